"""Completing a face from lines and colours, as SC-FEGAN does."""
