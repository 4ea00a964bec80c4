"""Run the command line once: parse, do, tell, and leave with a documented status."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Sequence

import click

from ocean_lib.cli._app import PROGRAM, app
from ocean_lib.cli._exit_codes import ExitCode
from ocean_lib.cli._failures import PipeClosed, tell
from ocean_lib.cli._session import Session
from ocean_lib.cli._signals import interrupting
from ocean_lib.cli._streams import all_open, forget


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: what stands after the program's name; None for the process's own.

    Returns:
        The exit status.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    session = Session()
    with all_open():
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        try:
            with warnings.catch_warnings(), interrupting(session):
                # Reports say what a library would warn of; -W is for developers.
                if not sys.warnoptions:
                    warnings.simplefilter("ignore")
                code = _run(arguments, session)
        except (BrokenPipeError, PipeClosed):
            code = ExitCode.BROKEN_PIPE
            forget(sys.stdout)
        except KeyboardInterrupt:  # while something was told
            code = session.interrupted_by
        return int(_flushed(code, session))


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


def _flushed(code: ExitCode, session: Session) -> ExitCode:
    """Return the status once everything is written, or that of what kept it from being written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.BROKEN_PIPE
        forget(sys.stdout)
    except OSError as error:
        forget(sys.stdout)
        if code is ExitCode.DONE:
            code = tell(error, session, as_json=False)
    try:
        sys.stderr.flush()
    except OSError:
        forget(sys.stderr)
    return code
