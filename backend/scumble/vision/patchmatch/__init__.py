"""PatchMatch: nearest-neighbour fields over patches, and completion of holes with them."""
