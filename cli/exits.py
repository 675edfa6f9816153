"""Why a command ends before its end: the exceptions that become exit codes."""

import errno

BROKEN_PIPE = (errno.EPIPE, errno.EINVAL)  # EINVAL is what Windows says

FAILED = "cti_es.failed"
"""Where the context of a command keeps how many of several SOURCEs could not be read."""


class ClosedPipe(Exception):
    """Whoever read our standard output has had enough (``| head``). ``exit_code`` is the verdict so far."""

    def __init__(self, exit_code: int = 0) -> None:
        super().__init__()
        self.exit_code = exit_code


class Ended(BaseException):
    """A signal has asked us to end; ``exit_code`` is what a shell expects then."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code
