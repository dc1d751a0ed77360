"""Photographic style: colour transport per segment, or Deep Photo Style Transfer."""
