"""A soft face made one that looks like a photograph: by a network, and with copies of real faces."""
