"""Starting GIMP 3 out of its root and running scenarios in it."""
