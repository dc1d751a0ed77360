"""Third-party code that travels with the client, because the editors' Python has no pip. Unchanged; see each LICENSE."""
