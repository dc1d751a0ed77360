"""The architectures of inpainting networks, one file each, with the paper."""
