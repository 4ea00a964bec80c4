"""Where a job can run: resources, prices, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ocean_lib.base.tables import html_table


@dataclass(frozen=True)
class Resource:
    """One kind of resource of an environment.

    Attributes:
        id: `cpu` (cores), `ram` (GB), `disk` (GB), or an id of the node's own, such as a GPU's.
        min: the least a job gets.
        max: the most a job can ask for.
        total: all there is; None where that is not told.
        in_use: what jobs use now.
    """

    id: str
    min: float
    max: float
    total: float | None = None
    in_use: float = 0

    @property
    def free(self) -> float:
        """What a job could get now."""
        left = self.max if self.total is None else min(self.max, self.total - self.in_use)
        return max(0.0, left)


@dataclass(frozen=True)
class Price:
    """What one unit of a resource costs for a minute.

    Attributes:
        chain_id: where it is paid.
        token: the token's address.
        per_minute: resource id to amount, in whole tokens.
    """

    chain_id: int
    token: str
    per_minute: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """A place to run jobs: free, or paid for by resources and time.

    Attributes:
        id: as the back end names it; '' where it has only one, without a name (V3).
        is_free: whether jobs cost nothing; a node offers some environments both ways.
        resources: by their id.
        prices: one for each chain and token; empty where it is free.
        min_duration_s: the shortest time that is counted.
        max_duration_s: the longest time that a job may run; None where that is not told.
        consumer_address: who orders are placed for.
        architecture: such as `x86_64`.
        os: such as `linux`.
        running: jobs that run now.
        queued: jobs that wait now.
        max_queue_s: how long a job may wait for its turn; 0: it does not.
        max_jobs: how many run at the same time; None where that is not told.
        has_network: whether algorithms reach the network.
        addresses: whose jobs alone are taken; everybody's where this and `access_lists` are empty.
        access_lists: contracts whose members' jobs are taken.
        storage_expiry_s: how long results are kept.
    """

    id: str
    is_free: bool
    resources: Mapping[str, Resource] = field(default_factory=dict)
    prices: Sequence[Price] = ()
    min_duration_s: int = 0
    max_duration_s: int | None = None
    consumer_address: str = ""
    architecture: str = ""
    os: str = ""
    running: int = 0
    queued: int = 0
    max_queue_s: int = 0
    max_jobs: int | None = None
    has_network: bool = False
    addresses: Sequence[str] = ()
    access_lists: Sequence[str] = ()
    storage_expiry_s: int | None = None

    def fits(self, wanted: Mapping[str, float], duration_s: int | None = None) -> bool:
        """Tell whether a job may ask for these amounts, by resource id, and for this time."""
        is_short_enough = duration_s is None or duration_s <= (self.max_duration_s or duration_s)
        return is_short_enough and all(
            name in self.resources and amount <= self.resources[name].max
            for name, amount in wanted.items()
            if amount
        )

    def has_room(self, wanted: Mapping[str, float]) -> bool:
        """Tell whether a job that asks for these amounts could run now."""
        is_there = self.max_jobs is None or self.running < self.max_jobs
        return is_there and all(
            one.free >= (wanted.get(name) or one.min) for name, one in self.resources.items()
        )

    def admits(self, address: str) -> bool:
        """Tell whether it takes jobs of this wallet, as far as that is known without the chain."""
        named = {each.lower() for each in self.addresses}
        return (not named and not self.access_lists) or address.lower() in named


class Environments(list[Environment]):
    """Environments, with a table for notebooks."""

    def _repr_html_(self) -> str:
        return html_table(
            (
                (
                    one.id,
                    "free" if one.is_free else "paid",
                    ", ".join(f"{r.free:g} of {r.max:g} {r.id}" for r in one.resources.values()),
                    "" if one.max_duration_s is None else f"{one.max_duration_s} s",
                    str(one.running),
                    str(one.queued),
                )
                for one in self
            ),
            ("environment", "costs", "resources", "at most", "running", "queued"),
        )
