"""What an option of the config is, and what its text may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from typing import Any, Generic, NoReturn, TypeVar, overload

from ocean_lib.checks import check_address, check_url, printable, shown_url
from ocean_lib.exceptions import ConfigError, InvalidInput
from ocean_lib.http.origins import entries_of

T = TypeVar("T")


class Option(Generic[T]):
    """One option, and the attribute of `Config` that gives its value.

    Args:
        section: the section it stands in.
        name: its name.
        default: its value when it is not set, as text; None if it then does not exist.
        read: turns its text into its value, or raises ConfigError with what was expected.
        env: the environment variable that overrides it, '' if there is none.
        meaning: what it is, in a few words, where it has a variable.
        about: what the attribute gives.
    """

    def __init__(
        self,
        section: str,
        name: str,
        default: str | None,
        read: Callable[[str], T],
        env: str = "",
        meaning: str = "",
        *,
        about: str = "",
    ) -> None:
        self.section = section
        self.name = name
        self.default = default
        self.env = env
        self.meaning = meaning
        self.__doc__ = about
        self._read = read

    @overload
    def __get__(self, config: None, _: object = None) -> Option[T]: ...

    @overload
    def __get__(self, config: ConfigParser, _: object = None) -> T: ...

    def __get__(self, config: ConfigParser | None, _: object = None) -> Option[T] | T:
        if config is None:
            return self
        try:
            text = config.get(self.section, self.name)
        except ParserError:
            return self.of(config)  # which says what is wrong
        values: dict[tuple[str, str], tuple[str, T]] = vars(config).setdefault("_values", {})
        known = values.get((self.section, self.name))
        if known is None or known[0] != text:
            known = values[self.section, self.name] = (text, self.of(config))
        return known[1]

    def __set__(self, config: ConfigParser, _: Any) -> NoReturn:
        raise AttributeError(f"Set it with config.set({self.section!r}, {self.name!r}, text).")

    def of(self, config: ConfigParser) -> T:
        """Return the option's value in a config.

        Raises:
            ConfigError: it is not set, or cannot be that; the message names it, not a secret.
        """
        full_name = f"{self.section}.{self.name}"
        try:
            return self._read(config.get(self.section, self.name).strip())
        except InterpolationError:
            fault = "refers to another option that cannot be found. Write %% for a percent sign."
        except ParserError:
            fault = "is not set."
        except ConfigError as error:
            fault = f"must be {error}."
        raise ConfigError(f"Config option {full_name} {fault}")


def as_text(text: str) -> str:
    """Return the text as it is."""
    return text


def as_network(text: str) -> str:
    """Return a URL, or the name of a network that ocean.py knew, or ''."""
    from ocean_lib.ocean.util import SUPPORTED_NETWORK_NAMES

    if not text or text in SUPPORTED_NETWORK_NAMES:
        return text
    return as_url(text, may_have_login=True)


def as_url(text: str, *, may_have_login: bool = False) -> str:
    """Return an absolute URL."""
    try:
        return check_url(text, may_have_login=may_have_login)
    except InvalidInput:
        without = "" if may_have_login else ", without user and password"
        raise ConfigError(
            f"an absolute http(s) URL with a host{without}, got {shown_url(text)}"
        ) from None


def as_origins(text: str) -> str:
    """Return hosts and origins, or `*`."""
    try:
        entries_of(text)
    except InvalidInput as error:
        fault = str(error)
    else:
        return text
    raise ConfigError(
        "hosts or origins such as provider.example or https://provider.example:8030, with commas "
        f"between them, or * for all; {fault}"
    )


def as_optional_url(text: str) -> str:
    """Return an absolute URL, or ''."""
    return as_url(text) if text else ""


def as_generation(text: str) -> str:
    """Return `v3` or `node`, or ''."""
    if text in ("", "v3", "node"):
        return text
    raise ConfigError(
        "v3 (a V3 Provider) or node (an Ocean Node), or empty: whatever the server says it is; "
        f"got {printable(text)}"
    )


def as_optional_address(text: str) -> str:
    """Return an address in its checksum spelling, or ''."""
    try:
        return check_address(text) if text else ""
    except InvalidInput:
        raise ConfigError(
            "an address ('0x' and 40 hex digits, a mixed case with the right checksum) or empty, "
            f"got {printable(text)}"
        ) from None


def as_positive_int(text: str) -> int:
    """Return a whole number above 0."""
    if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0:
        return int(text)
    raise ConfigError(f"a whole number above 0, got {printable(text)}")


def as_optional_int(text: str) -> int | None:
    """Return a whole number above 0, or None."""
    return as_positive_int(text) if text else None


def as_seconds(text: str) -> float:
    """Return seconds above 0."""
    value = _number(text)
    if value > 0:
        return value
    raise ConfigError(f"a number of seconds above 0, got {printable(text)}")


def as_seconds_or_none(text: str) -> float:
    """Return seconds from 0 on."""
    value = _number(text)
    if value >= 0:
        return value
    raise ConfigError(f"a number of seconds, 0 or more, got {printable(text)}")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def as_switch(text: str) -> bool:
    """Return true or false."""
    # What came is not shown: somebody may have put a token here.
    states = ConfigParser.BOOLEAN_STATES
    if text.lower() in states:
        return states[text.lower()]
    raise ConfigError(f"one of {', '.join(sorted(states))}; the value given is none of them")
