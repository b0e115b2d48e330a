"""Which ship a sighting shows."""
