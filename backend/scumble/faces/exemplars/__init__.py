"""Real faces, aligned, that face operations copy texture from: the user's own portraits, and a collection that is pulled."""
