"""What happened in a range of steps, across all weights and samples."""
