"""What whoever runs a node can choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ocean_lib.localnet.errors import BadOption


@dataclass(frozen=True)
class NodeEnvironment:
    """An environment: where free jobs run, and paid ones if it has prices.

    Attributes:
        addresses: Who may use it; empty for everybody.
        max_duration_s: The longest that a free job may run; None for the network's
            `limits.wall_s`, which bounds every job.
        max_jobs: How many free ones may run at the same time; None for `jobs_at_once`.
        prices: What one of a resource (`cpu`, `ram` in GB, `disk` in GB) costs a paid job for each
            minute, in the network's token; empty: it takes no money.
        min_paid_s: A paid job costs at least as much as one that runs so long.
    """

    addresses: tuple[str, ...] = ()
    max_duration_s: int | None = None
    max_jobs: int | None = None
    prices: Mapping[str, float] = field(default_factory=lambda: {"cpu": 1})
    min_paid_s: int = 60


@dataclass(frozen=True)
class NodeOptions:
    """A node's settings.

    Attributes:
        rate_limit: How many requests a minute one address may make; a real node's default is 30.
            None for any number.
        max_connections: How many addresses may ask within a minute; None for any number.
        environments: Where jobs run.
        claim_first_s: How long after its start the node first claims what ended jobs cost.
        claim_every_s: How long after each claim pass the next one is.

    Raises:
        BadOption: If a number is below 1, a duration is not above 0, or there is no environment.
    """

    rate_limit: int | None = None
    max_connections: int | None = None
    environments: tuple[NodeEnvironment, ...] = (NodeEnvironment(),)
    claim_first_s: float = 60.0
    claim_every_s: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("rate_limit", "max_connections"):
            value = getattr(self, name)
            is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            if value is not None and not is_whole:
                raise BadOption(f"{name}: expected a whole number, 1 or more; got {value!r}")
        for name in ("claim_first_s", "claim_every_s"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
                raise BadOption(f"{name}: expected seconds above 0; got {value!r}")
        if not self.environments:
            raise BadOption("environments: expected at least one NodeEnvironment()")
