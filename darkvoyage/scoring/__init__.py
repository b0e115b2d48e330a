"""Evidence into probabilities that explain themselves."""
