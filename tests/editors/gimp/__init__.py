"""The plug-in in the real GIMP 3."""
