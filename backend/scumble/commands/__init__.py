"""The command line's subcommands, one file each; `scumble.cli` puts them together."""
