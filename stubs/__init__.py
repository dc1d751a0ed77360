"""What the type checker knows of Krita and of GIMP's libraries. It is for checking alone: nothing here is shipped or run."""
