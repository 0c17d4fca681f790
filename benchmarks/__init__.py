"""Measurements against named peers, printed as tables. Never part of the tests."""
