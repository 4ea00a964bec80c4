"""Check a network's options before anything is started or written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.faults import Fault, Faults
from ocean_lib.localnet.runners import JobRunner, Limits, named
from ocean_lib.localnet.runners import isolation as isolations
from ocean_lib.localnet.runners.named import NamedRunner


def checked_whole(name: str, value: int, lowest: int, highest: int | None = None) -> int:
    """Return a whole number that lies in its range.

    Raises:
        BadOption: If it does not, or is not a whole number.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and lowest <= value and (highest is None or value <= highest):
        return value
    wanted = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"
    raise BadOption(f"{name}: expected a whole number, {wanted}; got {value!r}")


def checked_duration(name: str, seconds: float) -> float:
    """Return a number of seconds, 0 or more.

    Raises:
        BadOption: If it is not a number above 0.
    """
    # `not a number` is neither below 0 nor above.
    if isinstance(seconds, (int, float)) and seconds >= 0:
        return seconds
    raise BadOption(f"{name}: expected seconds, 0 or more; got {seconds!r}")


def checked_host(host: str) -> str:
    """Return the address to listen on.

    Raises:
        BadOption: If it is empty or no text.
    """
    if isinstance(host, str) and host:
        return host
    raise BadOption(f"host (--host): expected an address of this machine; got {host!r}")


def checked_seed(seed: str | int | None) -> str | int | None:
    """Return what the keys are made from.

    Raises:
        BadOption: If it is empty, as a shell's variable that is not set.
    """
    if seed is None or (isinstance(seed, (str, int)) and seed != ""):
        return seed
    raise BadOption(f"seed (--seed): expected a text or a whole number; got {seed!r}")


def checked_generation(name: str, known: Sequence[str]) -> str:
    """Return the name of a generation.

    Raises:
        BadOption: If there is none of that name.
    """
    if name in known:
        return name
    raise BadOption(f"generation (--generation): expected one of {', '.join(known)}; got {name!r}")


def checked_isolation(name: str | None) -> str | None:
    """Return the name of an isolation; whether it works here is another question.

    Raises:
        BadOption: If there is none of that name.
    """
    known = (*isolations.NAMES, named.CONTAINER)
    if name is None or name in known:
        return name
    raise BadOption(f"isolation (--isolation): expected one of {', '.join(known)}; got {name!r}")


def checked_limits(limits: Limits | None) -> Limits:
    """Return what a job may use; the usual for None.

    Raises:
        BadOption: If one of the limits is not a number above 0.
    """
    if limits is None:
        return Limits()
    if not isinstance(limits, Limits):
        raise BadOption(f"limits: expected Limits(...); got {limits!r}")
    for name, value in limits.as_dict().items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or math.isnan(value) or value <= 0:
            raise BadOption(f"limits: expected a number above 0 for {name}; got {value!r}")
    return limits


def checked_flag(name: str, value: bool) -> bool:
    """Return True or False, and take nothing else for one: a text such as "no" is true.

    Raises:
        BadOption: If it is neither.
    """
    if isinstance(value, bool):
        return value
    raise BadOption(f"{name}: expected True or False; got {value!r}")


def checked_runner(
    runner: JobRunner | str | None, isolation: str | None, options: Mapping[str, str] | None
) -> JobRunner | NamedRunner | None:
    """Return where algorithms run.

    Args:
        runner: A runner, the name of one, or None.
        isolation: One that `checked_isolation` returned; `container` stands for its runner.
        options: Those of a runner with a name.

    Raises:
        BadOption: If it has not what a runner needs, there is none of that name, or there are
            options for nobody.
    """
    if runner is None and isolation == named.CONTAINER:
        runner = named.CONTAINERS
    if isinstance(runner, str):
        if runner in named.NAMES:
            return NamedRunner(runner, isolation, checked_texts("runner_options", options or {}))
        known = ", ".join(named.NAMES)
        raise BadOption(f"runner (--runner): expected one of {known}; got {runner!r}")
    if options:
        raise BadOption(
            "runner_options (--runner-option): these are for a runner with a name; pass runner= "
            f"(--runner) as well: {', '.join(named.NAMES)}"
        )
    needed = ("submit", "poll", "stop", "collect", "close")
    missing = [name for name in needed if not callable(getattr(runner, name, None))]
    if runner is None or not missing:
        return runner
    raise BadOption(f"runner: expected a JobRunner; {runner!r} has no {', '.join(missing)}")


def checked_texts(name: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return texts by their names.

    Raises:
        BadOption: If it is anything else.
    """
    if isinstance(values, Mapping) and all(
        isinstance(part, str) for pair in values.items() for part in pair
    ):
        return dict(values)
    raise BadOption(f"{name}: expected texts by their names; got {values!r}")


def checked_faults(faults: Iterable[Fault]) -> Faults:
    """Return what goes wrong at first.

    Raises:
        BadOption: If it is anything else than faults.
    """
    try:
        return Faults(faults)
    except TypeError as error:
        raise BadOption(
            f"faults: expected a list of faults, such as [Drop('start')]; got {faults!r}"
        ) from error


def checked_chain_url(url: str | None) -> str | None:
    """Return a URL that requests can be sent to.

    Raises:
        BadOption: If it is not one; the text does not show it, as it may hold an API key.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError):  # a port beyond 65535, half of an IPv6 address; no text
        good = False
    if good:
        return url
    raise BadOption(
        "chain_url (--chain-url) is not an http(s) URL. Expected the URL of a node's JSON-RPC, "
        "such as http://127.0.0.1:8545."
    )


def origin_of(url: str) -> str:
    """Return what everybody may see of a node's URL: all else in it may be a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def checked_folder(path: str | Path | None) -> Path | None:
    """Return the state folder's whole path; None stands for a temporary folder.

    Raises:
        BadOption: If the path is empty, as that of a shell's variable that is not set.
    """
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise BadOption(f"state_dir (--state): expected a folder's path; got {path!r}")
    if path == "":
        raise BadOption(
            "state_dir (--state) is empty. Name a folder, or leave it out; the current folder "
            "is called '.'."
        )
    return Path(path).absolute()
