"""Data pipelines and trainers of every weight that Scumble ships, and of those that others train at length.

Nothing of the product imports this package; the command `scumble train` is added by it (`command`).
"""
