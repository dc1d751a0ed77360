"""Processes that run operations: one per device, warm, killed and replaced when they must be."""
