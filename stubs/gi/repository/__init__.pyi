"""The libraries that GIMP's plug-ins take from PyGObject, as far as ours does. They have stubs that are kept (PyGObject-stubs), but
not of GIMP's and GEGL's own; and those come only with PyGObject itself, which has to be compiled."""
