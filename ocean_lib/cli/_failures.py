"""How a failure is told: one line on stderr, or {"error": {...}} with --json."""

from __future__ import annotations

import re
import sys
import traceback
from typing import Any

import click

from ocean_lib.cli._exit_codes import CommandError, ExitCode, exit_code_of
from ocean_lib.cli._output import coloured, one_line
from ocean_lib.cli._session import Session
from ocean_lib.exceptions import OceanError

# What was typed in a wrong place may be a private key; a transaction hash looks the same.
_KEY_LIKE = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}")


class Stopped(Exception):
    """Ctrl-C, on its way past click, which would swallow it."""


class PipeClosed(Exception):
    """Whoever read the output stopped reading; on its way past click."""


def tell(error: BaseException, session: Session, *, as_json: bool) -> ExitCode:
    """Tell of a failure, and return the exit status.

    Args:
        error: what happened.
        session: the run.
        as_json: whether JSON is wanted; the options may not have been read yet.
    """
    code, message, name = _described(error, session)
    if session.debug and not isinstance(error, (click.ClickException, Stopped)):
        traceback.print_exception(error, file=sys.stderr)
    if as_json:
        details: dict[str, Any] = getattr(error, "details", {})
        session.out.document(
            {
                "error": {
                    "type": name,
                    "reason": code.reason,
                    "exit_code": int(code),
                    "message": message,
                    **details,
                }
            }
        )
        return code
    prefix = coloured("Error:", sys.stderr, fg="red", bold=True)
    click.echo(message if code is ExitCode.INTERRUPTED else f"{prefix} {message}", err=True)
    return code


def _described(error: BaseException, session: Session) -> tuple[ExitCode, str, str]:
    name = type(error).__name__
    if isinstance(error, (Stopped, click.Abort)):
        return ExitCode.INTERRUPTED, session.if_interrupted, "Interrupted"
    if isinstance(error, click.UsageError):
        return ExitCode.USAGE, _usage(error), name
    if isinstance(error, click.ClickException):
        return ExitCode.USAGE, one_line(error.format_message()), name
    if isinstance(error, (OceanError, CommandError)):
        return exit_code_of(error), one_line(error), name
    if isinstance(error, OSError) and error.filename is not None:
        what = error.strerror or name
        return ExitCode.ERROR, one_line(f"{error.filename}: {what}."), name
    hint = "" if session.debug else " --debug shows where."
    return ExitCode.ERROR, f"{name}: {one_line(error)[:300]}.{hint}", name


def _usage(error: click.UsageError) -> str:
    text = one_line(error.format_message())
    text = _KEY_LIKE.sub("<64 hex digits, not shown>", text)
    command = error.ctx.command_path if error.ctx is not None else "ocean-compute"
    return f"{text} See `{command} --help`."
