"""The same work as the users of other libraries write it.

Each module has a `prepare`: it takes the work, does what is done once (conversions, compilation of
nothing yet), and returns a function that trains from the beginning.
"""
