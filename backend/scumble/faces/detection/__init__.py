"""Finding faces and their landmarks in a picture, and aligning them."""
