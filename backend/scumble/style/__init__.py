"""Style transfer: what painted and photographic style share, and both of them."""
