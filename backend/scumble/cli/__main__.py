"""`python -m scumble.cli`: the command line, where the script `scumble` is not on the path."""

from .entry import main

if __name__ == "__main__":
    main()
