"""Settings found by trying: what may be tried, on which folds, in which order, and what came of it."""
