"""The command line: `app` declares options, one file for each command works."""
