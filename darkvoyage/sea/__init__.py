"""Distances by sea: a coastline, a water raster, a wave that spreads from a place, and what it says of other points."""
