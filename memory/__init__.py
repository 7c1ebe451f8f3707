"""Keeping: photos, readings, and finished turns."""
