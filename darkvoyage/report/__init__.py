"""What people look at: tables into one page, figures and KML."""
