"""Files to tables and tables to files."""
