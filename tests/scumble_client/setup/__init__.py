"""Setting up from inside an editor."""
