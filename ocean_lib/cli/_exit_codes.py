"""What the exit status of `ocean-compute` means, and which failure gives which."""

from __future__ import annotations

import enum

from ocean_lib import exceptions as e
from ocean_lib.http.limits import GATEWAY_STATUSES, TOO_MANY_REQUESTS


class ExitCode(enum.IntEnum):
    """The exit status; documented in docs/cli.md, and never renumbered."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    JOB_FAILED = 3
    TIMED_OUT = 4
    REFUSED = 5
    UNREACHABLE = 6
    NOT_FOUND = 7
    UNCERTAIN = 8
    HUNG_UP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143

    @property
    def reason(self) -> str:
        """The code in words, as it stands in JSON errors."""
        return self.name.lower()


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.ERROR: "something else failed; the message says what",
    ExitCode.USAGE: "bad usage: an option, a file, the config or the wallet cannot be used",
    ExitCode.JOB_FAILED: "the job failed, was stopped or ran out of its time",
    ExitCode.TIMED_OUT: "--timeout is used up; the job goes on",
    ExitCode.REFUSED: "the Provider, the asset or the chain refuses",
    ExitCode.UNREACHABLE: "no answer: a server or the chain's node cannot be reached",
    ExitCode.NOT_FOUND: "no such asset, order, job or output",
    ExitCode.UNCERTAIN: "sent, but the answer was lost: it may have happened; look before "
    "trying again",
    ExitCode.HUNG_UP: "interrupted by SIGHUP: the terminal was closed; a job goes on",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C; a job goes on",
    ExitCode.BROKEN_PIPE: "whoever read the output stopped reading",
    ExitCode.TERMINATED: "interrupted by SIGTERM; a job goes on",
}

# The first class that fits counts, so subclasses stand before their parents.
_OF_ERROR: tuple[tuple[type[Exception] | tuple[type[Exception], ...], ExitCode], ...] = (
    ((e.StartUncertain, e.TransactionTimeout), ExitCode.UNCERTAIN),
    (e.JobTimeoutError, ExitCode.TIMED_OUT),
    ((e.AssetNotFound, e.ContractNotFound), ExitCode.NOT_FOUND),
    (e.ResultsWithheld, ExitCode.REFUSED),
    (e.JobError, ExitCode.NOT_FOUND),
    ((e.ConfigError, e.InvalidInput, e.WalletError), ExitCode.USAGE),
    (
        (
            e.TransportError,
            e.ServiceUnavailable,
            e.TooManyRequests,
            e.EndpointNotFound,
            e.NodeBusy,
        ),
        ExitCode.UNREACHABLE,
    ),
    ((e.AssetNotConsumable, e.WorkflowRefused, e.RequestInvalid), ExitCode.REFUSED),
    (e.ProviderNotTrusted, ExitCode.USAGE),
    ((e.InsufficientBalance, e.TransactionFailed), ExitCode.REFUSED),
)


_UNAVAILABLE = {*GATEWAY_STATUSES, TOO_MANY_REQUESTS}
"""For these a Provider's answer has a class of its own; a metadata cache's has one for all."""


class CommandError(Exception):
    """A failure that the command line itself finds.

    Attributes:
        exit_code: the exit status.
        details: more keys for the JSON error.
    """

    def __init__(self, message: str, exit_code: ExitCode, **details: object) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.details = details


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit status for a failure."""
    if isinstance(error, CommandError):
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, EOFError)):
        return ExitCode.INTERRUPTED
    if isinstance(error, e.AquariusError) and error.status_code in _UNAVAILABLE:
        return ExitCode.UNREACHABLE
    return next((code for kinds, code in _OF_ERROR if isinstance(error, kinds)), ExitCode.ERROR)
