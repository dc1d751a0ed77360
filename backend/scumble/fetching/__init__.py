"""Bringing weights here for a daemon: a process of its own that downloads one entry, or looks through a folder that was named.

The daemon's loop never reads a file of weights, and never waits for a server.
"""
