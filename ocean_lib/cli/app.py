"""The program `ocean-compute`: its commands in the order of the story they tell, and one run of it.

A run parses, does, tells, and leaves with a documented status.
"""

from __future__ import annotations

import errno
import logging
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click
from click.shell_completion import get_completion_class

from ocean_lib import __version__
from ocean_lib.base.distributions import DistributionWarning
from ocean_lib.cli.commands import (
    change,
    escrow,
    find,
    jobs,
    network,
    order,
    outcome,
    publish,
    running,
    trust,
    wallet,
)
from ocean_lib.cli.errors import (
    MEANINGS,
    CommandError,
    ExitCode,
    details_of,
    exit_code_of,
    told,
)
from ocean_lib.cli.options import client_options
from ocean_lib.cli.output import all_open, coloured, forget, one_line
from ocean_lib.cli.session import Session
from ocean_lib.exceptions import OceanError

PROGRAM = "ocean-compute"

# What was typed in a wrong place may be a private key; a transaction hash looks the same.
_KEY_LIKE = re.compile(r"(?:0[xX])?[0-9a-fA-F]{64}")
# Of a write, whose errors name no file: to a full disk, or a terminal that is gone.
_FULL = (errno.ENOSPC, errno.EIO)
_SIGNALS = {"SIGTERM": ExitCode.TERMINATED, "SIGHUP": ExitCode.HUNG_UP}  # Windows has no SIGHUP


class Stopped(Exception):
    """Ctrl-C or a signal like it, on its way past click, which would swallow it."""


class PipeClosed(Exception):
    """Whoever read the output stopped reading; on its way past click."""


@click.command(short_help="Print what your shell needs for Tab completion.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands and options with Tab.

    \b
        bash: ocean-compute completion bash >> ~/.bashrc
        zsh:  ocean-compute completion zsh > "${fpath[1]}/_ocean-compute"
        fish: ocean-compute completion fish > ~/.config/fish/completions/ocean-compute.fish
    """  # noqa: D301  (click's mark for text as it stands)
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click has no completion for {shell}.")
    whole = ctx.find_root().command
    click.echo(kind(whole, {}, PROGRAM, "_OCEAN_COMPUTE_COMPLETE").source())


_SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "First steps": (network.quickstart, network.localnet),
    "Wallet": (wallet.wallet, escrow.escrow),
    "Publish": (
        publish.publish,
        change.update,
        change.credentials,
        trust.trust,
        publish.mint,
    ),
    "Find": (find.search, find.show),
    "Run a job": (
        running.run,
        running.environments,
        order.quote,
        order.buy,
        order.order,
        order.check,
        order.start,
        jobs.status,
        jobs.wait,
        outcome.download,
        outcome.result,
        outcome.logs,
        jobs.stop,
        jobs.delete,
        jobs.jobs,
    ),
    "Shell": (completion,),
}


class Story(click.Group):
    """A group that lists its commands by section, and lets Ctrl-C and a closed pipe through."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, then the options."""
        width = max(len(name) for name in self.commands)
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{one.name:<{width}}", one.get_short_help_str(100)) for one in commands]
                )
        click.Command.format_options(self, ctx, formatter)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Read the options; --help and --version write here already."""
        with _past_click():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _past_click():
            return super().invoke(ctx)


@contextmanager
def _past_click() -> Iterator[None]:
    """Rename what click would turn into something else."""
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        raise Stopped from None
    except BrokenPipeError:
        raise PipeClosed from None


def _epilog() -> str:
    codes = ", ".join(f"{int(code)} {code.reason.replace('_', ' ')}" for code in MEANINGS)
    return f"Exit status: {codes}. Keys are never arguments: see `{PROGRAM} wallet --help`."


@click.group(
    cls=Story,
    epilog=_epilog(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@client_options
def app() -> None:
    """Run algorithms where the data is: compute-to-data on Ocean Protocol.

    The first job, on this machine: ocean-compute quickstart
    """


for _commands in _SECTIONS.values():
    for _command in _commands:
        app.add_command(_command)


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
                    warnings.simplefilter("always", DistributionWarning)
                    warnings.showwarning = lambda text, *_: session.out.say(f"Warning: {text}")
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
        about = {"type": name, "reason": code.reason, "exit_code": int(code), "message": message}
        try:
            session.out.document({"error": {**about, **details_of(error)}})
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
        return exit_code_of(error), told(error), name
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


@contextmanager
def interrupting(session: Session) -> Iterator[None]:
    """Let these signals interrupt what runs inside, and note in the session which one it was.

    Signals that somebody ignores or handles (`nohup`) are left alone.
    """
    numbers = {
        getattr(signal, name): code for name, code in _SIGNALS.items() if hasattr(signal, name)
    }

    def interrupt(number: int, _: object) -> None:
        if session.interrupted_by is not ExitCode.INTERRUPTED:
            return  # a closing terminal sends it twice; the first is being told of
        session.interrupted_by = numbers[number]
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # nobody else may
        yield
        return
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
