"""Image algorithms that are not networks: patch completion, seam blending, regions, masks. They know nothing of jobs."""
