"""The mathematics: networks, back-propagation, rules, plans. NumPy only; no files, threads or clock."""
