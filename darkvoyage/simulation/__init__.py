"""Fictional worlds with known truth."""
