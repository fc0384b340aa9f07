"""One interpreter of jaxprs, and two arithmetics on it: balls, and random rounding."""
