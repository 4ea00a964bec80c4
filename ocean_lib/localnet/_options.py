"""Check a network's options before anything is started or written."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ocean_lib.localnet._errors import BadOption


def checked_whole(name: str, value: int, lowest: int, highest: int | None = None) -> int:
    """Return a whole number that lies in its range.

    Raises:
        BadOption: If it does not, or is none.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and lowest <= value and (highest is None or value <= highest):
        return value
    wanted = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"
    raise BadOption(f"{name}: expected a whole number, {wanted}; got {value!r}")


def checked_duration(name: str, seconds: float) -> float:
    """Return a number of seconds, 0 or more.

    Raises:
        BadOption: If it is none.
    """
    # `not a number` is neither below 0 nor above.
    if isinstance(seconds, (int, float)) and seconds >= 0:
        return seconds
    raise BadOption(f"{name}: expected seconds, 0 or more; got {seconds!r}")


def checked_chain_url(url: str | None) -> str | None:
    """Return a URL that requests can be sent to.

    Raises:
        BadOption: If it is none; the text does not show it, as it may hold an API key.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, half of an IPv6 address
        good = False
    if good:
        return url
    raise BadOption(
        "chain_url (--chain-url) is no http(s) URL. Expected that of a node's JSON-RPC, such as "
        "http://127.0.0.1:8545."
    )


def checked_folder(path: str | Path | None) -> Path | None:
    """Return the state folder's whole path; None stands for a temporary folder.

    Raises:
        BadOption: If the path is empty, as that of a shell's variable that is not set.
    """
    if path is None:
        return None
    if path == "":
        raise BadOption(
            "state_dir (--state) is empty. Name a folder, or leave it out; the current folder "
            "is called '.'."
        )
    return Path(path).absolute()
