"""Update rules down one surface or one network."""
