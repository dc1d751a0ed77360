"""Setting Scumble's engine up from inside an editor, without a terminal: the standard library alone, Python 3.8 and newer.

The engine is a private environment with the daemon and PyTorch. A process of its own makes it (`python -m scumble_client.setup`),
beside the editor, which may be closed meanwhile; what it does stands in a file that every editor reads (`state`).
"""
