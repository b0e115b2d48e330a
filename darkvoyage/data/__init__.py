"""Small bundled facts, each with its public source."""
