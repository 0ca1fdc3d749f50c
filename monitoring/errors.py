"""What the commands answer with one sentence instead of a traceback."""


class UserError(Exception):
    """What was asked cannot be done; the message is one sentence for whoever asked, and holds no secret."""

    exit_code = 1
