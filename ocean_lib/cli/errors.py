"""Failures and findings: their exit status, and the advice in them as commands."""

from __future__ import annotations

import dataclasses
import enum
import sys
from typing import TYPE_CHECKING, Any

import click

from ocean_lib import exceptions as e
from ocean_lib.cli.output import Output, coloured, one_line
from ocean_lib.http.limits import GATEWAY_STATUSES, TOO_MANY_REQUESTS

if TYPE_CHECKING:
    from ocean_lib.preflight.findings import Finding, Findings


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
    ExitCode.REFUSED: "the back end (Provider or node), the asset or the chain refuses",
    ExitCode.UNREACHABLE: "no answer: a server or the chain's node cannot be reached",
    ExitCode.NOT_FOUND: "no such asset, order, job or output",
    ExitCode.UNCERTAIN: "sent, but the answer was lost: it may have happened; check before "
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
    (
        (
            e.AssetNotConsumable,
            e.NotYourAsset,
            e.WorkflowRefused,
            e.RequestInvalid,
            e.NotOffered,
        ),
        ExitCode.REFUSED,
    ),
    (e.ProviderNotTrusted, ExitCode.USAGE),
    ((e.InsufficientBalance, e.CostAboveLimit, e.TransactionFailed), ExitCode.REFUSED),
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


COMMANDS = {
    "order-first": "Order it first: ocean-compute order {did}",
    "order-then": "Order it: ocean-compute order {did}",
    "check-order": (
        "Check the transaction, the service index and the wallet; or order again, with "
        "`ocean-compute order`."
    ),
    "get-datatokens": (
        "Ask {publisher}, the asset's publisher, for {amount} more: publishers give their "
        "datatokens away (`ocean-compute mint {did} --to {account} --amount {amount}`) or sell "
        "them, also on a market."
    ),
    "mint-datatokens": (
        "The wallet is the publisher's: make {amount} more with `ocean-compute mint {did} --to "
        "{account} --amount {amount}`."
    ),
    "add-trust": (
        "Ask the data set's publisher to add the algorithm: "
        "`ocean-compute trust add {dataset} {algorithm}`; or {instead}."
    ),
    "add-own-trust": "To add it, run `ocean-compute trust add {dataset} {algorithm}`.",
    "renew-trust": (
        "Ask the data set's publisher to look at the change and to renew the entry: "
        "`ocean-compute trust refresh {dataset} {algorithm}`."
    ),
    "repair-trust-list": "Ask the data set's publisher to repair the list.",
    "check-algorithm": "Check --algorithm.",
    "no-code": "The algorithm's file is empty: give one with code in it.",
    "find-started-job": (
        "Look again before starting a second job: list the wallet's jobs with "
        "`ocean-compute jobs --did {did} --order {order_tx}`."
    ),
    "find-marked-job": (
        "Look again before starting a second job: list the wallet's jobs with "
        "`ocean-compute jobs --json` and find {key} {marker} in a job's metadata."
    ),
    "saved-job": "Give a job file that `ocean-compute start` or `run` wrote.",
    "no-output": (
        "If it runs, wait for it with `ocean-compute wait`; if it has ended, it made none (see "
        "`ocean-compute logs`), or the Provider has deleted it."
    ),
    "new-link": "The link may have expired: run the command again.",
    "allow-more": (
        "Use `ocean-compute download`, with a larger --max-bytes or without. What no length is "
        "announced for has the limit downloads.max_bytes of the config."
    ),
    "check-metadata-cache": (
        "Check --metadata-cache, or metadata_cache_uri in the config: it must be the URL of a "
        "metadata cache (Aquarius 2.x)."
    ),
    "metadata-cache-fault": (
        "Try again later, or ask its operator; if it never worked: Check --metadata-cache, or "
        "metadata_cache_uri in the config: it must be the URL of a metadata cache (Aquarius 2.x)."
    ),
    "check-metadata-cache-again": (
        "Check --metadata-cache, or metadata_cache_uri in the config, and check again."
    ),
    "list-environments": "`ocean-compute environments` lists what there is.",
    "fill-escrow": "`ocean-compute run` and `start` do both, with --max-cost TOKEN=AMOUNT.",
    "published-data": (
        "Name data sets by their DIDs. Files by their URLs are for an Ocean Node: give --node."
    ),
    "round-amount": "Round it first.",
}
"""Advice by its code, in commands and options; see `ocean_lib.base.advice.WORDS`."""

_WHAT = {"no-code": COMMANDS["no-code"]}
"""Findings whose own words name the library's arguments."""

_COLOURS = {"refused": "red", "unknown": "yellow", "warning": "yellow"}


def details_of(error: BaseException) -> dict[str, Any]:
    """Return what the JSON of an error has besides what all have."""
    if isinstance(error, e.InvalidDescription):
        return {"mistakes": [mistake.as_dict() for mistake in error.mistakes]}
    return error.details if isinstance(error, CommandError) else {}


def told(error: BaseException) -> str:
    """Return what an error says on one line, its advice in commands; mistakes line by line."""
    if isinstance(error, e.InvalidDescription):
        return "\n  ".join(map(one_line, error.what.splitlines()))
    if isinstance(error, e.OceanError) and error.advice is not None:
        return one_line(f"{error.what} {error.advice.in_words(COMMANDS)}")
    return one_line(error)


def told_finding(finding: Finding) -> Finding:
    """Return a finding as somebody at a command line can use it, each text on one line."""
    mend = finding.advice.in_words(COMMANDS) if finding.advice else finding.how_to_mend
    what = _WHAT.get(finding.code, finding.what)
    return dataclasses.replace(finding, what=one_line(what), how_to_mend=one_line(mend))


def show_findings(out: Output, findings: Findings) -> ExitCode:
    """Show findings; the status is that of the worst.

    Returns:
        REFUSED, or UNREACHABLE if something could not be asked, or DONE.
    """
    code = ExitCode.DONE
    if findings.errors:
        code = ExitCode.REFUSED
    elif findings.unknowns:
        code = ExitCode.UNREACHABLE
    if out.as_json:
        listed = [told_finding(finding).as_dict() for finding in findings]
        verdict = {"ok": findings.ok, "can_order": findings.can_order}
        out.document({**verdict, "findings": listed})
        return code
    if not findings:
        click.echo("Nothing stands in the way.")
    for finding in (*findings.errors, *findings.unknowns, *findings.warnings):
        shown = told_finding(finding)
        severity = coloured(shown.severity, sys.stdout, fg=_COLOURS[shown.severity])
        click.echo(f"{severity}: {shown.what} [{shown.code}]")
        click.echo(f"    {shown.how_to_mend}")
    return code
