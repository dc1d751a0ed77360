"""Two pictures of one place: what corresponds, the homography between them, and its refinement by their pixels."""
