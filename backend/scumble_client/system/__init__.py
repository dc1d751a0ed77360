"""What differs between Linux, Windows and macOS: a small module for each kind of difference, and nowhere else.

Nothing in here imports anything of Scumble's; tests/test_platforms.py holds that no other module asks which system this is by itself.
"""
