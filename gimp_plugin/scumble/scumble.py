#!/usr/bin/env python3
"""Scumble in GIMP 3: the script that GIMP starts. GIMP wants it to be named like its folder, and to be executable.

What it does lies in the modules beside it; `scumble_client` lies there, too, once installed.
"""

import sys

# Looking for the package `scumble`, as the client does, finds this file: importing it must do nothing.
if __name__ == "__main__":
    from host import Gimp
    from procedures import ScumblePlugIn

    Gimp.main(ScumblePlugIn.__gtype__, sys.argv)
