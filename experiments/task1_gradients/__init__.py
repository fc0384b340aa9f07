"""Tasks 1a, 1b and 4a: the gradients and their derivations."""
