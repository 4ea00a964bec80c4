"""What calls cost: time, CPU, requests, connections, and how many go at once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from _environments import Environment
from _processes import Client, Server
from _table import Row

T = TypeVar("T")

ONE_ROUND_TRIP = "one round trip of the same session"
OPERATIONS = ("start", "first start", "status", "result", "stop")
CROWDS = tuple(
    (op, wallets, threads, each)
    for op, wallets in (("result", "one wallet"), ("result", "many"), ("status", "one wallet"))
    for threads, each in ((1, 12), (8, 4), (64, 2))
)


@dataclass(frozen=True)
class Bench:
    """What all measurements share.

    Attributes:
        server: the one that both clients talk to.
        ours: this library's environment.
        old: the old client's; None where there is no Python 3.8.
        rounds: how often A and B take turns.
        share: of the full number of calls, for a quick look.
        operations: what is measured call by call.
        crowds: what is called at once: operation, wallets, threads, and how often by each thread.
    """

    server: Server
    ours: Environment
    old: Environment | None
    rounds: int
    share: float
    operations: Sequence[str] = OPERATIONS
    crowds: Sequence[tuple[str, str, int, int]] = CROWDS

    def count(self, full: int, least: int = 1) -> int:
        """Return how many to do of what a full run does so many times."""
        return max(least, int(full * self.share))

    def environments(self) -> list[Environment]:
        """Return those to measure."""
        return [self.ours, *([self.old] if self.old else [])]

    def client(self, environment: Environment, wallets: int = 1) -> Client:
        """Start a client whose wallets nobody has used before."""
        keys = ["0x" + secrets.token_bytes(31).hex() + "01" for _ in range(wallets)]
        return Client(environment, self.server, keys)

    def until_first(self, environment: Environment, op: str) -> float:
        """Return the seconds from the start of a process until its first call is answered."""
        with self.client(environment) as client:
            job = self.server.jobs_of(client)[0] if op != "start" else ""
            began = time.perf_counter()
            client.do("calls", op=op, n=1, job_id=job)
            return client.ready_s + time.perf_counter() - began

    def in_turn(self, act: Callable[[Environment], T], rounds: int | None = None) -> Turns[T]:
        """Do something A B A B."""
        turns: Turns[T] = Turns([], [])
        for _ in range(rounds or self.rounds):
            turns.ours.append(act(self.ours))
            if self.old:
                turns.old.append(act(self.old))
        return turns


@dataclass(frozen=True)
class Turns(Sequence[T]):
    """What each round gave, for both clients."""

    ours: list[T]
    old: list[T]

    def figures(self, read: Callable[[T], float]) -> dict[str, list[float]]:
        """Return the figures of a row."""
        return {"ours": [read(one) for one in self.ours], "old": [read(one) for one in self.old]}

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        return (self.ours, self.old)[index]


def calls(bench: Bench) -> Iterator[Row]:
    """Measure single calls, one after the other, near and far from the server."""
    clients = {one.name: bench.client(one) for one in bench.environments()}
    jobs = {name: bench.server.jobs_of(client)[0] for name, client in clients.items()}
    limits: dict[int, float] = {}
    try:
        for name, client in clients.items():
            for op in bench.operations:
                client.do("calls", op=op, n=3, job_id=jobs[name])
        yield from _per_call(bench, clients, jobs)
        for delay_ms, full in ((0, 40), (20, 10), (100, 4)):
            bench.server.tell(delay_s=delay_ms / 1000)
            n = bench.count(full)
            ours = clients[bench.ours.name]
            bare = ours.do("limits", n=n, job_id=jobs[bench.ours.name])
            limits[delay_ms] = median(bare["walls"]) * 1e3
            for op in bench.operations:
                turns = bench.in_turn(
                    lambda one, op=op, n=n: clients[one.name].do(
                        "calls", op=op, n=n, job_id=jobs[one.name]
                    )
                )
                yield Row(
                    f"{op}, {delay_ms} ms added round trip",
                    "ms",
                    **turns.figures(lambda one: median(one["walls"]) * 1e3),
                    limit=limits[delay_ms],
                    limit_is=ONE_ROUND_TRIP,
                )
    finally:
        bench.server.tell(delay_s=0)
        for client in clients.values():
            client.close()


def _per_call(bench: Bench, clients: dict[str, Client], jobs: dict[str, str]) -> Iterator[Row]:
    """CPU, requests and connections of one call.

    In many short rounds, each with all operations: a machine that is slow for a second is slow
    for all of them, and for both clients.
    """
    bare = clients[bench.ours.name].do(
        "limits", n=bench.count(200, 20), job_id=jobs[bench.ours.name]
    )
    n = 40  # fewer would begin and end before the processor has warmed to them

    def act(one: Environment) -> dict[str, dict[str, Any]]:
        def call(op: str, n: int) -> dict[str, Any]:
            return clients[one.name].do("calls", op=op, n=n, job_id=jobs[one.name])

        found = {}
        for op in bench.operations:
            call(op, 2)  # the other client has just had the processor, and its caches
            bench.server.tell(reset=True)
            done = call(op, n)
            found[op] = {**done, **bench.server.tell(reset=True)}
        return found

    turns = bench.in_turn(act, bench.count(3 * bench.rounds, 3))
    for op in bench.operations:
        note = f"a bare requests.Session: {bare['bare_cpu'] * 1e3:.3f} ms"
        if op != "status":
            note += f"; a signature by libsecp256k1: {bare['sign_cpu'] * 1e3:.3f} ms"
        yield Row(
            f"client CPU of one {op}",
            "ms",
            **turns.figures(lambda one, op=op: one[op]["cpu"] * 1e3),
            limit=bare["cpu"] * 1e3,
            limit_is=ONE_ROUND_TRIP,
            note=note,
        )
        for what in ("requests", "connections"):
            name = "requests" if what == "requests" else "new connections"
            yield Row(
                f"{name} of one {op}",
                "",
                **turns.figures(lambda one, op=op, what=what: one[op][what] / n),
            )


def polls(bench: Bench) -> Iterator[Row]:
    """Ask for a status a thousand times."""
    n = bench.count(1000, 20)

    def act(one: Environment) -> dict[str, Any]:
        with bench.client(one) as client:
            job = bench.server.jobs_of(client)[0]
            client.do("calls", op="status", n=1, job_id=job)
            bench.server.tell(reset=True)
            done = client.do("calls", op="status", n=n, job_id=job)
            return {**done, **bench.server.tell(reset=True)}

    turns = bench.in_turn(act, min(2, bench.rounds))
    yield Row(f"{n:,} status polls", "s", **turns.figures(lambda one: sum(one["walls"])))
    yield Row(f"{n:,} status polls: CPU", "s", **turns.figures(lambda one: one["cpu"] * n))
    yield Row(f"{n:,} status polls: requests", "", **turns.figures(lambda one: one["requests"]))
    yield Row(
        f"{n:,} status polls: connections", "", **turns.figures(lambda one: one["connections"])
    )


def throughput(bench: Bench) -> Iterator[Row]:
    """Call from many threads at once, at 20 ms added round trip."""
    most = bench.count(max(threads for _, _, threads, _ in bench.crowds), 8)
    clients = {one.name: bench.client(one, most) for one in bench.environments()}
    jobs = {name: bench.server.jobs_of(client) for name, client in clients.items()}
    bench.server.tell(delay_s=0.02)
    try:
        for client in clients.values():  # the first call asks for what is remembered later
            client.do("threads", op="result", threads=1, each=1, jobs=jobs[client.name][:1])
        for op, wallets, full, each in bench.crowds:
            threads = min(full, most)

            def act(
                one: Environment,
                op: str = op,
                wallets: str = wallets,
                threads: int = threads,
                each: int = each,
            ) -> dict[str, Any]:
                mine = jobs[one.name][:1] if wallets == "one wallet" else jobs[one.name]
                return clients[one.name].do(
                    "threads", op=op, threads=threads, each=each, jobs=mine[:threads]
                )

            turns = bench.in_turn(act, min(2, bench.rounds))
            label = wallets if wallets == "one wallet" else "a wallet each"
            where = f"{op}, {threads} thread{'s' * (threads > 1)}, {label}"
            yield Row(
                f"{where}: good calls a second",
                "/s",
                **turns.figures(lambda one: (one["calls"] - one["failed"]) / one["seconds"]),
                more_is_better=True,
            )
            yield Row(
                f"{where}: failed calls",
                "%",
                **turns.figures(lambda one: 100 * one["failed"] / one["calls"]),
            )
    finally:
        bench.server.tell(delay_s=0)
        for client in clients.values():
            client.close()
