"""How a failure is told: one line on stderr, or {"error": {...}} with --json."""

from __future__ import annotations

import errno
import re
import sys
import traceback
from contextlib import suppress
from typing import Any

import click

from ocean_lib.cli._exit_codes import CommandError, ExitCode, exit_code_of
from ocean_lib.cli._output import coloured, one_line
from ocean_lib.cli._session import Session
from ocean_lib.cli._streams import forget
from ocean_lib.cli._wording import in_commands
from ocean_lib.exceptions import OceanError

# What was typed in a wrong place may be a private key; a transaction hash looks the same.
_KEY_LIKE = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}")


# Of a write, whose errors name no file: to a full disk, or a terminal that is gone.
_FULL = (errno.ENOSPC, errno.EIO)


class Stopped(Exception):
    """Ctrl-C or a signal like it, on its way past click, which would swallow it."""


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
        about = {"type": name, "reason": code.reason, "exit_code": int(code), "message": message}
        try:
            session.out.document({"error": {**about, **details}})
            return code
        except BrokenPipeError:
            raise
        except OSError:  # a full disk cannot hear of itself
            forget(sys.stdout)
    prefix = coloured("Error:", sys.stderr, fg="red", bold=True)
    with suppress(OSError):
        is_fault = code is not session.interrupted_by
        click.echo(f"{prefix} {message}" if is_fault else message, err=True)
    return code


def _described(error: BaseException, session: Session) -> tuple[ExitCode, str, str]:
    name = type(error).__name__
    if isinstance(error, (Stopped, click.Abort)):
        return session.interrupted_by, session.if_interrupted, "Interrupted"
    if isinstance(error, click.UsageError):
        return ExitCode.USAGE, _usage(error), name
    if isinstance(error, click.ClickException):
        return ExitCode.USAGE, one_line(error.format_message()), name
    if isinstance(error, CommandError):
        return error.exit_code, one_line(error), name
    if isinstance(error, OceanError):
        return exit_code_of(error), in_commands(one_line(error)), name
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _FULL):
        where = "The output could not be written" if error.filename is None else error.filename
        return ExitCode.ERROR, one_line(f"{where}: {error.strerror or name}."), name
    hint = "" if session.debug else " --debug shows where."
    return ExitCode.ERROR, f"{name}: {one_line(error)[:300]}.{hint}", name


def _usage(error: click.UsageError) -> str:
    text = one_line(error.format_message())
    text = _KEY_LIKE.sub("<64 hex digits, not shown>", text)
    command = error.ctx.command_path if error.ctx is not None else "ocean-compute"
    return f"{text} See `{command} --help`."
