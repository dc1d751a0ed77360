"""VGG-19 as a feature network: architecture, names of layers, and readers of its published forms."""
