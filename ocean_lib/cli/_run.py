"""Run the command line once: parse, do, tell, and leave with a documented status."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence

import click

from ocean_lib.cli._app import PROGRAM, app
from ocean_lib.cli._exit_codes import ExitCode
from ocean_lib.cli._failures import PipeClosed, tell
from ocean_lib.cli._session import Session


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: what stands after the program's name; None for the process's own.

    Returns:
        The exit status.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    session = Session()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name in another alphabet must not end a run
            stream.reconfigure(errors="replace")
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        with warnings.catch_warnings():
            # Reports say what a library would warn of; -W and PYTHONWARNINGS are for developers.
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            code = _run(arguments, session)
        sys.stdout.flush()
    except (BrokenPipeError, PipeClosed):
        code = ExitCode.BROKEN_PIPE
        _forget_stdout()
    return int(code)


def _run(arguments: list[str], session: Session) -> ExitCode:
    try:
        outcome = app.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=session)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else error.format_message())
        return ExitCode.USAGE
    except (BrokenPipeError, PipeClosed):
        raise
    except Exception as error:  # noqa: BLE001  (nobody wants a traceback)
        as_json = session.out.as_json or "--json" in arguments
        return tell(error, session, as_json=as_json)
    return ExitCode(outcome or 0)


def _forget_stdout() -> None:
    """Send what is left in the buffer nowhere, or Python complains on its way out."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
