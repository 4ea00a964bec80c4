"""The options of the Slurm runner, checked before any of them reaches a command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ocean_lib.localnet.errors import BadOption

USUAL = {
    "partition": "",
    "account": "",
    "cpus": "1",
    "arguments": "",
    "python": "",
    "poll_s": "1",
}
"""Every option with its usual value."""
# What says where a job goes and how soon; the runner itself says what it is and what it may use.
_ARGUMENTS = (
    *("begin", "comment", "constraint", "contiguous", "deadline", "exclude"),
    *("exclusive", "gres", "licenses", "mail-type", "mail-user", "mcs-label", "nice", "nodelist"),
    *("prefer", "priority", "qos", "reservation", "spread-job", "switches", "tmp", "wckey"),
)
_ARGUMENT = re.compile(r"--([a-z-]+)(=[^\x00-\x1f\x7f]+)?")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,@+-]*")


@dataclass(frozen=True)
class SlurmOptions:
    """Where on a cluster jobs go.

    Attributes:
        partition: The partition, or several with commas; empty for the cluster's default.
        account: Whom the cluster charges; empty for the user's default.
        cpus: CPUs of each job.
        arguments: More arguments of `sbatch`.
        python: The interpreter on the nodes; empty for the path of this one.
        poll_s: Seconds between two questions to the scheduler, for all jobs together.
    """

    partition: str = ""
    account: str = ""
    cpus: int = 1
    arguments: tuple[str, ...] = ()
    python: str = ""
    poll_s: float = 1.0

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> SlurmOptions:
        """Read the options as they are given.

        Args:
            texts: A text for each of `USUAL`.

        Raises:
            BadOption: If one has a value that cannot be used.
        """
        return cls(
            partition=_name("partition", texts["partition"]),
            account=_name("account", texts["account"]),
            cpus=int(_number("cpus", texts["cpus"], r"[1-9][0-9]{0,4}", "a whole number from 1")),
            arguments=_arguments(texts["arguments"]),
            python=_program(texts["python"]),
            poll_s=float(
                _number("poll_s", texts["poll_s"], r"[0-9]{1,4}(\.[0-9]+)?", "seconds, 0 to 9999")
            ),
        )


def _bad(name: str, expected: str, value: str) -> BadOption:
    return BadOption(f"runner option {name} (--runner-option): expected {expected}; got {value!r}")


def _name(option: str, value: str) -> str:
    if not value or _NAME.fullmatch(value):
        return value
    raise _bad(option, "a name of letters, digits and _.,@+-", value)


def _number(option: str, value: str, pattern: str, expected: str) -> str:
    if re.fullmatch(pattern, value):
        return value
    raise _bad(option, expected, value)


def _program(value: str) -> str:
    if not value or (value.startswith("/") and value.isprintable()):
        return value
    raise _bad("python", "the interpreter's whole path", value)


def _arguments(text: str) -> tuple[str, ...]:
    try:
        found = tuple(shlex.split(text))
    except ValueError as error:
        raise _bad("arguments", f"words as in a shell ({error})", text) from error
    for word in found:
        match = _ARGUMENT.fullmatch(word)
        if match is None or match[1] not in _ARGUMENTS:
            known = ", ".join(f"--{name}" for name in _ARGUMENTS)
            raise _bad("arguments", f"only --NAME or --NAME=VALUE of {known}", word)
    return found
