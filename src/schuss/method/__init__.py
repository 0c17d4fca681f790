"""The mathematics: networks, back-propagation, update rules, plans. NumPy only; no files, no threads, no clock."""
