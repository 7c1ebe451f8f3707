"""Deciding: the machine that takes a turn, the Assistant, and its faces."""
