"""What is typed: kinds of values, checked there, and the options that many commands share.

Each shared option goes into the `Session`, before or after the command.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ocean_lib.checks import (
    check_address,
    check_did,
    check_tx_hash,
    check_url,
    printable,
    shown_url,
)
from ocean_lib.cli.errors import told
from ocean_lib.cli.session import Session
from ocean_lib.exceptions import InvalidInput, InvalidTransactionHash

Function = TypeVar("Function", bound=Callable[..., Any])


class Checked(click.types.StringParamType):
    """A value that a check of the library takes; what it refuses is named as it was typed.

    Args:
        name: the kind of value.
        check: gives the value to use, or raises `InvalidInput` with a message about "it".
    """

    def __init__(self, name: str, check: Callable[[Any], Any]) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> Any:
        """Return the value to use."""
        if value == "":
            self.fail("it is empty, as of a shell's variable that is not set.", param, ctx)
        try:
            return self._check(value)
        except InvalidInput as error:
            self.fail(told(error), param, ctx)


def _tokens(typed: str) -> str:
    from ocean_lib.ocean.util import from_base_18, to_base_18

    base = to_base_18(typed)
    if not 0 < base < 2**256:
        raise InvalidInput("it must be more than 0, and no more than a token contract can hold.")
    return f"{from_base_18(base):f}"


def _seconds(typed: str) -> float:
    from ocean_lib.base.arguments import check_seconds

    seconds = _number(typed)
    check_seconds("it", seconds)
    return seconds


def _pause(typed: str) -> float:
    from ocean_lib.base.arguments import check_pause

    seconds = _number(typed)
    check_pause("it", seconds, or_none=False)
    return seconds


def _number(typed: str) -> float:
    try:
        return float(typed)
    except ValueError:
        raise InvalidInput(f"it must be a number, got {printable(typed)}.") from None


def _order(typed: str) -> str:
    try:
        return check_tx_hash(typed)
    except InvalidTransactionHash:  # whose words name bytes too, which nobody can type
        raise InvalidInput(
            f"it must be '0x' followed by 64 hex digits, got {printable(typed)}. "
            "It is the hash of the transaction that paid for the service."
        ) from None


def _data(typed: str) -> Any:
    from ocean_lib.models.file_input import FileInput

    kind, _, rest = typed.partition(":")
    if kind == "did":
        return check_did(typed, name="it")
    if kind in ("http", "https"):
        return FileInput(url=check_url(typed, name="it"))
    if rest.startswith("//") and kind in ("ipfs", "ar"):
        place = rest.removeprefix("//")
        return FileInput(ipfs=place) if kind == "ipfs" else FileInput(arweave=place)
    if Path(typed).is_file():
        return Path(typed)
    raise InvalidInput(
        "it must be a file's URL (http, https, ipfs://ID, ar://ID), 'did:op:' and a data set's hex "
        f"digits, or at the embedded network a file, got {shown_url(typed)}."
    )


def _algorithm(typed: str) -> Any:
    if typed.startswith("did:"):
        return check_did(typed, name="it")
    if not Path(typed).is_file():
        raise InvalidInput(
            f"it must be a file of code, or a published algorithm's DID; there is no file "
            f"{printable(typed)}."
        )
    return Path(typed)


def _amount(typed: str) -> float:
    number = _number(typed)
    if not 0 <= number < math.inf:
        raise InvalidInput(f"it must be a number from 0 on, got {printable(typed)}.")
    return int(number) if number == int(number) else number


def _pair(typed: str) -> tuple[str, str]:
    name, equals, value = typed.partition("=")
    if not (equals and name.strip()):
        raise InvalidInput("it must be NAME=VALUE.")  # the value may be a secret
    return name, value


def _env(typed: str) -> tuple[str, str]:
    if "=" not in typed and typed in os.environ:
        return typed, os.environ[typed]
    try:
        return _pair(typed)
    except InvalidInput:
        raise InvalidInput("it must be NAME=VALUE, or the NAME of a variable set here.") from None


def _resource(typed: str) -> tuple[str, float]:
    name, amount = _pair(typed)
    return name, _amount(amount)


def _word(typed: str) -> str:
    if not typed.strip():
        raise InvalidInput("it is blank.")
    return typed


def _job_id(typed: str) -> str:
    # What looks like a key is refused where it would be sent: some Provider's ids are hashes.
    if typed.isprintable() and typed == typed.strip():
        return typed
    raise InvalidInput(
        f"it must be the id that `ocean-compute start` showed, got {printable(typed)}."
    )


TEXT = Checked("text", str)
DID = Checked("did", lambda typed: check_did(typed, name="it"))
ORDER = Checked("order", _order)
ADDRESS = Checked("address", lambda typed: check_address(typed, name="it"))
JOB_ID = Checked("job id", _job_id)
TOKENS = Checked("tokens", _tokens)
SECONDS = Checked("seconds", _seconds)
PAUSE = Checked("seconds", _pause)
DATA = Checked("data", _data)
ALGORITHM = Checked("algorithm", _algorithm)
AMOUNT = Checked("amount", _amount)
PAIR = Checked("pair", _pair)
ENV = Checked("variable", _env)
RESOURCE = Checked("resource", _resource)
WORD = Checked("text", _word)


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
        "--node",
        metavar="URL",
        type=TEXT,
        into=("node",),
        help="An Ocean Node, in place of the config's Provider. It needs no config.",
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
        help="Whose jobs, in place of a wallet: no key is needed.",
    )(function)
