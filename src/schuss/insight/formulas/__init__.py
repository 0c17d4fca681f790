"""Formulas as values: read from the way they are written here, filled with numbers, written in other ways."""
