"""How much was carried, and how it stands against a cap."""
