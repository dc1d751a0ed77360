"""Trainers of everything about faces."""
