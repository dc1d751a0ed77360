"""Pictures as data: geometry, colour, layers, masks, regions, and files (`io`). It knows nothing of operations or torch."""
