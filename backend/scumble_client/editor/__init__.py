"""What the Krita and the GIMP plugin share: everything that is not the editor's own. Standard library, Python 3.8+."""
