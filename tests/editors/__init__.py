"""Tests in the real editors, under a virtual display."""
