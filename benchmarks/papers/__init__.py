"""Published tables made again with schuss: what was printed, what comes out here, what counts as the same."""
