"""Tests in the real Krita: scenarios run inside of it, and their answers are looked at here."""
