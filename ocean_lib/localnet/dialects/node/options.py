"""What whoever runs a node can choose."""

from __future__ import annotations

from dataclasses import dataclass

from ocean_lib.localnet.errors import BadOption


@dataclass(frozen=True)
class FreeEnvironment:
    """An environment for free jobs.

    Attributes:
        addresses: Who may use it; empty for everybody.
        max_duration_s: The longest that a job may run; None for the network's `limits.wall_s`.
        max_jobs: How many may run at the same time; None for `jobs_at_once`.
    """

    addresses: tuple[str, ...] = ()
    max_duration_s: int | None = None
    max_jobs: int | None = None


@dataclass(frozen=True)
class NodeOptions:
    """A node's settings.

    Attributes:
        rate_limit: How many requests a minute one address may make; a real node's default is 30.
            None for any number.
        max_connections: How many addresses may ask within a minute; None for any number.
        environments: Where jobs run.

    Raises:
        BadOption: If a number is below 1, or there is no environment.
    """

    rate_limit: int | None = None
    max_connections: int | None = None
    environments: tuple[FreeEnvironment, ...] = (FreeEnvironment(),)

    def __post_init__(self) -> None:
        for name in ("rate_limit", "max_connections"):
            value = getattr(self, name)
            is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            if value is not None and not is_whole:
                raise BadOption(f"{name}: expected a whole number, 1 or more; got {value!r}")
        if not self.environments:
            raise BadOption("environments: expected at least one FreeEnvironment()")
