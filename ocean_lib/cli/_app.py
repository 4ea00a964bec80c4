"""The commands of `ocean-compute`, in the order of the story they tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ocean_lib import __version__
from ocean_lib.cli import (
    _asset_commands,
    _completion,
    _job_commands,
    _network_commands,
    _outcome_commands,
    _start_commands,
    _trust_commands,
    _wallet_commands,
)
from ocean_lib.cli._exit_codes import MEANINGS
from ocean_lib.cli._failures import PipeClosed, Stopped
from ocean_lib.cli._options import client_options

PROGRAM = "ocean-compute"

_SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "First steps": (_network_commands.quickstart, _network_commands.localnet),
    "Wallet": (_wallet_commands.wallet,),
    "Publish": (_asset_commands.publish, _asset_commands.mint, _trust_commands.trust),
    "Run a job": (
        _asset_commands.order,
        _start_commands.check,
        _start_commands.start,
        _job_commands.status,
        _job_commands.wait,
        _outcome_commands.download,
        _outcome_commands.result,
        _outcome_commands.logs,
        _job_commands.stop,
        _job_commands.jobs,
    ),
    "Shell": (_completion.completion,),
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
