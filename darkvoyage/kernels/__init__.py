"""Arrays in, arrays out: no pandas, no validation, no state."""
