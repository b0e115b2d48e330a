"""Options: one frozen rule per stage; every default cites where it comes from."""
