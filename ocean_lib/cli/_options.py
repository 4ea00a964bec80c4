"""Options that many commands share; each goes into the `Session`, before or after the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ocean_lib.cli._session import Session
from ocean_lib.cli._values import ADDRESS, TEXT

Function = TypeVar("Function", bound=Callable[..., Any])


class _NamedPath(click.Path):
    """A path; not an empty one, as of a shell's variable that is not set."""

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> Any:
        """Refuse what is empty, which would stand for the current folder."""
        if value == "":
            kind = "file" if self.file_okay else "folder"
            self.fail(f"it is empty. Name a {kind}, or leave the option out.", param, ctx)
        return super().convert(value, param, ctx)


_FILE = _NamedPath(dir_okay=False, path_type=Path)


class Folder(_NamedPath):
    """A folder's path; not an empty one."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)


def _into(*path: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Make a callback that keeps an option's value at this place in the session."""

    def keep(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        target: Any = ctx.ensure_object(Session)
        for name in path[:-1]:
            target = getattr(target, name)
        if value not in (None, False):
            setattr(target, path[-1], value)

    return keep


def _option(*names: str, into: tuple[str, ...], **rest: Any) -> Callable[[Function], Function]:
    return click.option(*names, expose_value=False, callback=_into(*into), **rest)


def _all(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


output_options = _all(
    _option(
        "--json",
        is_flag=True,
        into=("out", "as_json"),
        help="Write one JSON document to stdout, errors too.",
    ),
    _option("--quiet", "-q", is_flag=True, into=("out", "quiet"), help="Say less on stderr."),
    _option("--debug", is_flag=True, into=("debug",), help="Show the traceback of a failure."),
)

network_options = _all(
    _option(
        "--config",
        metavar="FILE",
        type=TEXT,
        into=("config_file",),
        help="The config file; else what CONFIG_FILE names.",
    ),
    _option(
        "--provider",
        metavar="URL",
        type=TEXT,
        into=("provider",),
        help="In place of the config's.",
    ),
    _option(
        "--metadata-cache",
        metavar="URL",
        type=TEXT,
        into=("metadata_cache",),
        help="As --provider.",
    ),
    _option(
        "--network",
        metavar="URL",
        type=TEXT,
        into=("network",),
        help="The chain's node. As --provider.",
    ),
)

password_option = _option(
    "--password-file",
    metavar="FILE",
    type=_FILE,
    into=("keys", "password_file"),
    help="The keystore's password; else of OCEAN_WALLET_PASSWORD, or asked for.",
)

wallet_options = _all(
    _option(
        "--keystore",
        metavar="FILE",
        type=_FILE,
        into=("keys", "keystore"),
        help="The wallet; else of OCEAN_KEYSTORE or OCEAN_PRIVATE_KEY, or asked for.",
    ),
    password_option,
)

client_options = _all(network_options, wallet_options, output_options)
"""For commands that ask a Provider or the chain for a wallet."""


def owner_option(function: Function) -> Function:
    """Add --address: commands that sign nothing need no key."""
    return _option(
        "--address",
        metavar="ADDRESS",
        type=ADDRESS,
        into=("owner",),
        help="Whose jobs, in place of a wallet: no key is needed to look.",
    )(function)
