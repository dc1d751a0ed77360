"""Files to layers and back, in full depth, with profile and orientation."""
