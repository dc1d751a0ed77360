"""The process that computes: one per device, torch imported once, models warm."""
