"""People: the command line, pictures, and later the lab page."""
