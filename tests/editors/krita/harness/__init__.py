"""Starting Krita under Xvfb and running scenarios in it."""
