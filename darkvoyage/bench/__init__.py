"""How good and how fast it is: every figure of the documentation comes from here."""
