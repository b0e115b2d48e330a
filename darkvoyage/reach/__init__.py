"""Where a ship could have been during a gap."""
