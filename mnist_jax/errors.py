"""The errors that a user can mend, told apart from the ones that are bugs."""


class UsageError(ValueError):
    """What was asked for cannot be done: names the value, the reason and the remedy.

    A command turns it into one message on stderr and exit code 2.
    """
