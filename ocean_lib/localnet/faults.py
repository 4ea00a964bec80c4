"""Make the Provider misbehave, so that you can test how your own program copes with it.

    network = LocalNetwork(faults=[Unavailable("status", times=2)])
    ...
    network.faults.set(Drop("start", after=True, times=1), StuckJob())
    network.faults.clear()

A fault is for one operation, or for "any" of the Provider's. With `times=n` it fires n times,
otherwise until the faults are set again. Of several faults for one operation, each that is due
fires.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

Operation = Literal[
    "any",
    "discovery",
    "nonce",
    "initialize",
    "fileinfo",
    "environments",
    "token",
    "logs",
    "encrypt",
    "download",
    "start",
    "status",
    "result",
    "stop",
    "delete",
    "results",
    "metadata",
]
"""What a client asks for. `status` is the unsigned GET of compute and `result` the signed one;
`results` is the reading of a result file or a log. An Ocean Node has no `result`; `environments`,
`token` and `logs` (a log that is followed) are its own. `metadata` is every call of the metadata
cache, and the one that "any" does not include."""
_OPERATIONS = get_args(Operation)
_STATES = (1, 10, 20, 30, 40)
_POLL_S = 0.05
_REMEMBERED = 1000


@dataclass(frozen=True)
class Fault:
    """What all faults have in common; use one of the kinds below.

    Attributes:
        operation: Which operation goes wrong.
        times: How often; None for as long as the fault is set.
    """

    operation: Operation = "any"
    times: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.operation not in _OPERATIONS:
            known = ", ".join(_OPERATIONS)
            raise ValueError(f"no operation is called {self.operation!r}; these are: {known}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be 1 or more, or None for always; got {self.times}")


@dataclass(frozen=True)
class Drop(Fault):
    """Close the connection without an answer.

    Attributes:
        after: Do what was asked, and lose only the answer. A start then starts a job that its
            owner does not know of.
    """

    after: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class CutShort(Fault):
    """Send the first half of the answer, then close the connection."""


@dataclass(frozen=True)
class Delay(Fault):
    """Answer late; the operation is done only then.

    Attributes:
        seconds: How late. Each waiting request holds one of the Provider's 8 threads.
    """

    seconds: float = field(default=5.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        # `not a number` is neither below 0 nor above.
        if not isinstance(self.seconds, (int, float)) or not self.seconds >= 0:
            raise ValueError(f"seconds must be 0 or more; got {self.seconds!r}")


@dataclass(frozen=True)
class Unavailable(Fault):
    """Answer 503 and do nothing, with the page of a server that is away."""


@dataclass(frozen=True)
class MoveNonce(Fault):
    """Move the caller's nonce just before the call is checked, as another client's call would.

    A signed call is then refused; a signed GET of compute is answered as if it were not signed.
    """


@dataclass(frozen=True)
class WithholdResults(Fault):
    """Answer a rightly signed `result` as if the signature were wrong: 200, and no result keys."""

    operation: Operation = field(default="result", init=False)


@dataclass(frozen=True)
class MissingImage(Fault):
    """Refuse a start as an Ocean Node does when nobody has the image.

    This network pulls none, and takes any name. A V3 Provider does not look for images.
    """

    operation: Operation = field(default="start", init=False)


@dataclass(frozen=True)
class ForgetStop(Fault):
    """Take a stop and forget it, as an Ocean Node does while it starts a job's container.

    The answer says that a stop is requested, and a status soon says that none is.
    """

    operation: Operation = field(default="stop", init=False)


@dataclass(frozen=True)
class StuckJob(Fault):
    """Let a job come to a state and stay there until it is stopped or the fault is taken away.

    A stuck job holds one of the places of running jobs. With `times=n`, n jobs get stuck.

    Attributes:
        status: 1, 10, 20, 30 or 40. Up to 30 it stops before that state's work, at 40 before the
            algorithm runs.
    """

    operation: Operation = field(default="any", init=False)
    status: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status not in _STATES:
            raise ValueError(f"a job can get stuck at one of {_STATES}, got {self.status}")


@dataclass(eq=False)
class _Rule:
    fault: Fault
    left: int | None


_Kind = TypeVar("_Kind", bound=Fault)


class Faults:
    """The faults that are set now; any thread may change them while the network runs.

    Args:
        faults: Those of the beginning.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._changed = threading.Condition()
        self._closed = False
        self._rules: tuple[_Rule, ...] = ()
        self._happened: deque[Fault] = deque(maxlen=_REMEMBERED)
        self.set(*faults)

    def __repr__(self) -> str:
        return f"Faults({', '.join(map(repr, self.active))})"

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that can still happen."""
        return tuple(rule.fault for rule in self._rules if rule.left != 0)

    @property
    def happened(self) -> tuple[Fault, ...]:
        """The faults that happened since they were last set, in order; the last 1000."""
        with self._changed:
            return tuple(self._happened)

    def set(self, *faults: Fault) -> None:
        """Put these faults in the place of all others; what waits or is stuck goes on."""
        for fault in faults:
            if not isinstance(fault, Fault) or type(fault) is Fault:
                raise TypeError(f"expected faults such as Drop('start'), got {fault!r}")
        with self._changed:
            self._rules = tuple(_Rule(fault, fault.times) for fault in faults)
            self._happened.clear()
            self._changed.notify_all()

    def clear(self) -> None:
        """Take all faults away."""
        self.set()

    @contextmanager
    def during(self, *faults: Fault) -> Iterator[Faults]:
        """Set faults for the length of a `with` block, and take all away at its end."""
        self.set(*faults)
        try:
            yield self
        finally:
            self.clear()

    def open(self) -> None:
        """Let waits begin: the network starts."""
        self._closed = False

    def close(self) -> None:
        """End every wait: the network stops."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, kind: type[_Kind], operation: Operation) -> _Kind | None:
        """Return the fault of a kind that happens to an operation now, and count it."""
        rule = self._take(kind, lambda fault: _concerns(fault, operation))
        return rule.fault if rule is not None else None  # type: ignore[return-value]

    def delay(self, operation: Operation) -> None:
        """Wait, if a delay is set for an operation."""
        rule = self._take(Delay, lambda fault: _concerns(fault, operation))
        if rule is not None and isinstance(rule.fault, Delay):
            deadline = time.monotonic() + rule.fault.seconds
            self._wait_while(rule, lambda: time.monotonic() < deadline, rule.fault.seconds)

    def hold(self, status: int, stop: threading.Event) -> None:
        """Wait, if jobs are to get stuck in a state, until the fault is gone or `stop` is set."""
        rule = self._take(StuckJob, lambda fault: fault.status == status)  # type: ignore[attr-defined]
        if rule is not None:
            self._wait_while(rule, lambda: not stop.is_set(), _POLL_S)

    def _take(self, kind: type[Fault], due: Callable[[Fault], bool]) -> _Rule | None:
        if not self._rules:
            return None
        with self._changed:
            for rule in self._rules:
                if rule.left != 0 and isinstance(rule.fault, kind) and due(rule.fault):
                    if rule.left is not None:
                        rule.left -= 1
                    self._happened.append(rule.fault)
                    return rule
        return None

    def _wait_while(self, rule: _Rule, go_on: Callable[[], bool], poll_s: float) -> None:
        with self._changed:
            while not self._closed and rule in self._rules and go_on():
                self._changed.wait(poll_s)


def _concerns(fault: Fault, operation: Operation) -> bool:
    if isinstance(fault, StuckJob):
        return False
    return fault.operation == operation or (fault.operation == "any" and operation != "metadata")
