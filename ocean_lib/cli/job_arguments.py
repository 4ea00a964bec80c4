"""The arguments and options that say what to run on what, for the commands about a new job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ocean_lib.cli.options import ALGORITHM, AMOUNT, DATA, DID, ENV, ORDER, PAIR, RESOURCE, WORD
from ocean_lib.cli.typed_job import TypedJob


def job_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take DATASET... and what to run on them, and give it a `TypedJob`."""
    return _taking(
        command,
        click.argument("data", metavar="[DATASET]...", type=DATA, nargs=-1),
        click.option("--algorithm", metavar="DID", type=DID, help="A published algorithm."),
        click.option(
            "--code",
            metavar="FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="An algorithm of your own, sent along, in place of a published one.",
        ),
        *_JOB_OPTIONS,
    )


def run_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take ALGORITHM and --data, and give it a `TypedJob`."""
    return _taking(
        command,
        click.argument("program", metavar="ALGORITHM", type=ALGORITHM),
        click.option(
            "--data",
            metavar="URL",
            type=DATA,
            multiple=True,
            help="A file for an Ocean Node (http, https, ipfs, ar), or the DID of a data set.",
        ),
        *_JOB_OPTIONS,
    )


def _taking(
    command: Callable[..., Any], *options: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Callable[..., Any]:
    def gathered(*args: Any, **options: Any) -> Any:
        program = options.pop("program", None)
        if program is not None:
            is_file = isinstance(program, Path)
            options |= {"code": program} if is_file else {"algorithm": program}
        names = ("data", "orders", "services", "algorithm", "algorithm_order", "code")
        given = {name: options.pop(name, None) for name in names}
        container = {name: options.pop(name) for name in ("image", "tag", "entrypoint")}
        resources = {name: options.pop(name) for name in ("cpu", "ram", "disk", "gpu")}
        for_nodes = {
            "environment": options.pop("environment"),
            "max_duration": options.pop("max_duration"),
            "metadata": dict(options.pop("metadata")),
            "envs": dict(options.pop("envs")),
            "resources": {name: much for name, much in resources.items() if much is not None}
            | dict(options.pop("resources")),
        }
        typed = TypedJob(container=container, for_nodes=for_nodes, **given)
        return command(*args, typed=typed, **options)

    gathered.__name__ = command.__name__
    gathered.__doc__ = command.__doc__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    decorated: Callable[..., Any] = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


max_cost_option = click.option(
    "--max-cost",
    metavar="TOKEN=AMOUNT",
    type=PAIR,
    multiple=True,
    callback=lambda _, __, pairs: dict(pairs) or None,
    help="Pay what the job lacks, at most so much of each token (`quote` tells).  [default: "
    "nothing is paid]",
)


_JOB_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option(
        "--order",
        "orders",
        metavar="TX",
        type=ORDER,
        multiple=True,
        help="The data set's order; of several, in their sequence.  [default: the newest]",
    ),
    click.option(
        "--algorithm-order",
        metavar="TX",
        type=ORDER,
        help="The algorithm's order.  [default: the newest]",
    ),
    click.option(
        "--service",
        "services",
        type=click.IntRange(0),
        multiple=True,
        help="The data set's service, by its index.  [default: its compute service]",
    ),
    click.option(
        "--image",
        metavar="NAME:TAG",
        type=WORD,
        help="For your own code: the container's image.  [default: by the file's suffix]",
    ),
    click.option("--tag", metavar="TAG", type=WORD, help="The tag of an image without one."),
    click.option(
        "--entrypoint",
        metavar="COMMAND",
        type=WORD,
        help="For your own code: such as 'python3 $ALGO'.  [default: by the file's suffix]",
    ),
    click.option(
        "--environment",
        metavar="ID",
        type=WORD,
        help="At an Ocean Node: where to run.  [default: a free one that fits]",
    ),
    click.option("--cpu", metavar="CORES", type=AMOUNT, help="At an Ocean Node: so many cores."),
    click.option("--ram", metavar="GB", type=AMOUNT, help="So much memory."),
    click.option("--disk", metavar="GB", type=AMOUNT, help="So much disk."),
    click.option("--gpu", metavar="NUMBER", type=AMOUNT, help="So many GPUs."),
    click.option(
        "--resource",
        "resources",
        metavar="ID=AMOUNT",
        type=RESOURCE,
        multiple=True,
        help="So much of another resource, by its id in `environments`.",
    ),
    click.option(
        "--max-duration",
        metavar="SECONDS",
        type=click.IntRange(1),
        help="At an Ocean Node: end the job after this long.  [default: the environment's limit]",
    ),
    click.option(
        "--env",
        "envs",
        metavar="NAME[=VALUE]",
        type=ENV,
        multiple=True,
        help="At an Ocean Node: a variable of the algorithm; without a value, the one set here.",
    ),
    click.option(
        "--metadata",
        metavar="NAME=VALUE",
        type=PAIR,
        multiple=True,
        help="At an Ocean Node: kept with the job, for whoever lists it.",
    ),
)
