"""The face operations that an artist can choose, one file each."""
