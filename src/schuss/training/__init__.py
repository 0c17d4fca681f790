"""The loop and its record: the only place that trains, and the only place that touches the disk."""
