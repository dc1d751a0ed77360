"""The files of a release, made out of one commit: same commit, same bytes. `python -m releasing --help`."""
