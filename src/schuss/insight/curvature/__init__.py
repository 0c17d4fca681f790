"""How the loss bends around some weights, and what that says of learning rate and momentum."""
