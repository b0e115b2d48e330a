"""Ground floor: the tables' columns, AIS codes, and the one place that validates a table."""
