"""An interpreter of jaxprs with two arithmetics: balls, and random rounding."""
