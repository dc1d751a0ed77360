"""What several subjects see with: filters, matting, edges, blending, patch search, the VGG feature network. It knows nothing of jobs."""
