"""Silences of a track, and the judgement on them."""
