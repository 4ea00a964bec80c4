"""Kinds of values that options and arguments take, checked where they were typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ocean_lib import checks as validation
from ocean_lib.cli._wording import in_commands
from ocean_lib.exceptions import InvalidInput


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
            self.fail(in_commands(str(error)), param, ctx)


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
    check_pause("it", seconds)
    return seconds


def _number(typed: str) -> float:
    try:
        return float(typed)
    except ValueError:
        raise InvalidInput(f"it must be a number, got {validation.printable(typed)}.") from None


def _job_id(typed: str) -> str:
    # What looks like a key is refused where it would be sent: some Provider's ids are hashes.
    if typed.isprintable() and typed == typed.strip():
        return typed
    raise InvalidInput(
        f"it must be the id that `ocean-compute start` showed, got {validation.printable(typed)}."
    )


TEXT = Checked("text", str)
DID = Checked("did", lambda typed: validation.check_did(typed, name="it"))
ORDER = Checked("order", lambda typed: validation.check_tx_hash(typed, name="it"))
ADDRESS = Checked("address", lambda typed: validation.check_address(typed, name="it"))
JOB_ID = Checked("job id", _job_id)
TOKENS = Checked("tokens", _tokens)
SECONDS = Checked("seconds", _seconds)
PAUSE = Checked("seconds", _pause)
