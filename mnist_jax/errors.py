"""User errors, as opposed to bugs."""


class UsageError(ValueError):
    """Raised for an invalid request; its message names the value, the reason and the remedy.

    Commands convert it to one message on stderr and exit code 2.
    """


def one_line(error: BaseException) -> str:
    """Returns the message of another library's exception in one line, or the name of its type."""
    return " ".join(str(error).split()) or type(error).__name__
