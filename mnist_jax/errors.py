"""User errors, as opposed to bugs."""


class UsageError(ValueError):
    """Raised for an invalid request; its message names the value, the reason and the remedy.

    Commands convert it to one message on stderr and exit code 2.
    """
