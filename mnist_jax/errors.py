"""User errors, as opposed to bugs."""


class UsageError(ValueError):
    """Raised when a request cannot be carried out; names the value, the reason and the remedy.

    A command turns it into one message on stderr and exit code 2.
    """
