"""`completion`: what a shell needs to complete commands and options with Tab."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "ocean-compute"


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
