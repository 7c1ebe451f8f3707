"""Sightline over HTTP: thin over the Assistant, and without logic of its own."""
