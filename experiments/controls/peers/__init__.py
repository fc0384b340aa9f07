"""Other gradient checkers, run on the same gradients."""
