"""The fault matrix: every operation, in every call that needs it, with every fault.

A cell plays a Provider and a metadata cache on raw sockets, right in everything but one operation,
makes one call of `OceanCompute`, and notes what came of it: a value or the class of an error, how
often the operation was asked for, and how long it took. Then the fault goes away and the same
client makes the same call again: it must succeed.

What is promised for a cell is written down by hand in `promised`, not taken from a run.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ocean_lib.exceptions import OceanError
from tests.players import DID, OTHER_ORDER, Fault, World, new_wallet, start
from tests.wire import Reply, answer, as_json, drip, html, raw, reset, silence

CONNECT_S, READ_S, TOTAL_S = 1.5, 1.0, 3.0
AT_ONCE = 10
"""Cells that run at the same time: most of their time is waiting."""

CALLS = {
    "status": ("Aquarius get", "endpoints", "status"),
    "start": ("Aquarius get", "endpoints", "fileinfo", "nonce", "start"),
    "result": ("Aquarius get", "endpoints", "nonce", "result"),
    "stop": ("Aquarius get", "endpoints", "nonce", "stop"),
}
"""The requests of each call, cold."""

WARM = {
    "status": ("status",),
    "start": ("fileinfo", "start"),
    "result": ("result",),
    "stop": ("stop",),
}
"""The requests of each call when all that is remembered is there."""

MAIN_CALL = {
    "Aquarius get": "status",
    "endpoints": "status",
    "nonce": "stop",
    "fileinfo": "start",
}
"""Where an operation is tried with every fault; in other calls, with one of each kind."""

OPERATIONS = (
    "Aquarius get",
    "endpoints",
    "nonce",
    "fileinfo",
    "start",
    "status",
    "result",
    "stop",
)
SIGNED = ("start", "result", "stop")
VALUE = "a value"


@dataclass(frozen=True)
class FaultCase:
    """One fault: what goes wrong, and of which kind that is for the client."""

    name: str
    kind: str
    fault: Fault | None = None
    said: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class Cell:
    """One cell: a call, whether its places are remembered, and an operation that goes wrong."""

    call: str
    warm: bool
    operation: str
    fault: FaultCase

    @property
    def name(self) -> str:
        state = "warm" if self.warm else "cold"
        return f"{self.operation} of a {state} {self.call}: {self.fault.name}"


@dataclass
class Outcome:
    """What came of a cell.

    Attributes:
        result: `VALUE` or the class name of what was raised.
        is_ours: whether that is a value or an `OceanError`.
        requests: how often the operation was asked for.
        seconds: how long the call took.
        counts: how often each operation of the Provider was asked for.
        again: what the same call gives when the fault has gone.
        text: the error's message.
    """

    result: str
    is_ours: bool
    requests: int
    seconds: float
    counts: dict[str, int]
    again: str = ""
    text: str = ""


def _chunked(body: bytes, *, cut: bool) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + f"{len(body) + (9 if cut else 0):x}\r\n".encode() + body + b"" * cut


def _length(said: int, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {said}\r\n\r\n".encode() + body


_OK = b"HTTP/1.1 200 OK\r\n"
_LIST = b'[{"jobId": "0123456789abcdef", "status": 70, "statusText": "Job finished"}]'
_BIG = json.dumps([{"jobId": "0", "status": 70, "statusText": "x" * (11 * 1024 * 1024)}])
_CONTEXT = {"error": "HTTPConnectionPool(host='operator'): Read timed out.", "context": {"a": 1}}
_FIELDS = {"errors": {"documentId": ["It is required."]}, "message": "Validation error"}
_REFUSED = {"error": "Something in the workflow is not right."}
NOWHERE = "http://127.0.0.1:9/stolen"


def _redirect(status: int, location: str, body: str = "") -> Reply:
    return answer(status, body, Location=location)


def _case(name: str, kind: str, reply: Reply, *, acts: bool = True) -> FaultCase:
    return FaultCase(name, kind, Fault(reply, acts=acts))


def _shape(value: Any, name: str = "") -> FaultCase:
    return FaultCase(
        f"JSON: {name or json.dumps(value)}", "malformed", Fault(as_json(value)), said=value
    )


def _deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


FAULTS = (
    FaultCase("refused connection", "refused"),
    FaultCase("reset before the request is read", "broken unread", Fault(unread=reset, acts=False)),
    FaultCase("closed before the request is read", "broken unread", Fault(unread=raw(b""))),
    _case("reset after it was read", "broken", reset),
    _case("closed after it was read", "broken", raw(b"")),
    _case("closed in the status line", "broken", raw(b"HTTP/1.1 20")),
    _case("closed in the headers", "malformed", raw(_OK + b"Content-Ty")),
    _case("not HTTP", "broken", raw(b"220 mail.example.org ESMTP\r\n")),
    _case("400, a field is missing", "400 field", as_json(_FIELDS, 400), acts=False),
    _case("400, refused", "400 refused", as_json(_REFUSED, 400), acts=False),
    _case("404 HTML", "404", html(404), acts=False),
    _case("500 HTML", "500", html(500), acts=False),
    _case("503 in JSON with context", "500", as_json(_CONTEXT, 503), acts=False),
    _case("502 HTML", "away", html(502)),
    _case("503 HTML", "away", html(503)),
    _case("504 empty", "away", answer(504, "", "text/plain")),
    _case("520 HTML", "away", html(520)),
    _case("524 HTML", "away", html(524)),
    _case("530 HTML", "away", html(530)),
    _case("429 with Retry-After", "busy", answer(429, "", Retry_After="0"), acts=False),
    _case("429 in JSON", "busy", as_json({"error": "rate limit"}, 429), acts=False),
    _case("413 HTML", "too large to send", html(413), acts=False),
    _case("silence", "slow", silence),
    _case("slow status line", "slow", drip(b"", b"H", 0.05)),
    _case("slow headers", "slow", drip(_OK, b"X-A: b\r\n", 0.05)),
    _case("slow body", "slow", drip(_length(999_999, b"["), b" ", 0.05)),
    _case("slow chunks", "slow", drip(_chunked(b"[", cut=False) + b"\r\n", b"1\r\n \r\n", 0.05)),
    _case("truncated body", "malformed", raw(_OK + b"\r\n" + _LIST[:40])),
    _case("truncated chunk", "broken", raw(_chunked(_LIST, cut=True))),
    _case("Content-Length too long", "broken", raw(_length(len(_LIST) + 5, _LIST))),
    _case("Content-Length too short", "malformed", raw(_length(len(_LIST) - 5, _LIST))),
    _case(
        "two Content-Lengths",
        "broken",
        raw(_OK + b"Content-Length: 2\r\nContent-Length: 75\r\n\r\n" + _LIST),
    ),
    _case("not JSON", "malformed", answer(200, "<html><p>Welcome</p></html>", "text/html")),
    _case("empty body", "malformed", answer(200, "")),
    _case("204", "no content", raw(b"HTTP/1.1 204 No Content\r\n\r\n")),
    _case("not UTF-8", "malformed", answer(200, b'["\xff\xfe\xfa"]')),
    _case("not gzip", "malformed", answer(200, _LIST, Content_Encoding="gzip")),
    _case(
        "gzip twice",
        "malformed",
        answer(200, gzip.compress(gzip.compress(_LIST)), Content_Encoding="gzip, gzip"),
    ),
    _case("brotli", "malformed", answer(200, _LIST, Content_Encoding="br")),
    _shape(None),
    _shape(7),
    _shape("text"),
    _shape(True),
    _shape([]),
    _shape({}),
    _shape([{}]),
    _shape([None]),
    _shape([[]]),
    _shape({"error": "no"}),
    _shape({"nonce": None, "serviceEndpoints": [], "jobId": 7, "id": []}, "wrong types"),
    _shape(_deep(800), "800 lists deep"),
    _case("11 MB body", "too large", answer(200, _BIG)),
    _case("endless body", "too large", drip(_OK + b"\r\n", b" " * 65536, 0)),
    _case(
        "gzip bomb", "too large", answer(200, gzip.compress(bytes(10**8)), Content_Encoding="gzip")
    ),
    _case("redirect", "redirect", _redirect(302, NOWHERE)),
    _case("permanent redirect", "redirect", _redirect(308, NOWHERE + "?signature=0x" + "ab" * 65)),
    _case("redirect to no URL", "redirect", _redirect(302, "http://[nowhere")),
    _case(
        "redirect with an endless body",
        "redirect",
        drip(f"HTTP/1.1 302 X\r\nLocation: {NOWHERE}\r\n\r\n".encode(), b" " * 65536, 0),
    ),
)


KINDS = tuple({fault.kind: fault for fault in reversed(FAULTS)}.values())


def cells() -> Iterator[Cell]:
    """Give all cells."""
    for call in CALLS:
        for warm, operations in ((False, CALLS[call]), (True, WARM[call])):
            for operation in operations:
                is_main = MAIN_CALL.get(operation, call) == call
                for fault in FAULTS if is_main else KINDS:
                    yield Cell(call, warm, operation, fault)


def promised(cell: Cell) -> tuple[str, int]:
    """Return the outcome and the number of requests that the client promises."""
    operation, kind = cell.operation, cell.fault.kind
    if kind == "malformed":
        special = _promised_for_shape(operation, cell.fault.said)
        if special:
            return special, 1
    if operation == "start":
        return _promised_for_start(kind)
    if kind == "refused":
        return "ConnectFailed", 0
    aquarius = operation == "Aquarius get"
    result = {
        "broken": "ConnectionBroken",
        "broken unread": "ConnectionBroken",
        "away": "AquariusError" if aquarius else "ServiceUnavailable",
        "busy": "AquariusError" if aquarius else "TooManyRequests",
        "too large to send": "AquariusError" if aquarius else "RequestInvalid",
        "slow": "RequestTimeout",
        "malformed": "MalformedResponse",
        "no content": "AquariusError" if aquarius else "MalformedResponse",
        "too large": "ResponseTooLarge",
        "redirect": "RedirectRefused",
        "500": "AquariusError" if aquarius else "ProviderFault",
        "404": "AssetNotFound" if aquarius else "EndpointNotFound",
        "400 field": "AquariusError" if aquarius else "RequestInvalid",
        "400 refused": "AquariusError" if aquarius else "WorkflowRefused",
    }[kind]
    return result, _promised_requests(operation, kind)


def _promised_requests(operation: str, kind: str) -> int:
    """A read is tried three times, a signed read once more, anything else once."""
    if kind not in ("broken", "broken unread", "away", "busy"):
        return 1
    return {"stop": 1, "result": 2}.get(operation, 3)


def _promised_for_shape(operation: str, said: Any) -> str:
    """Some shapes are wrong for most operations, and mean something for these."""
    if said == [] and operation in ("status", "result", "stop"):
        return "JobNotFound"
    if said in ([], [{}]) and operation == "fileinfo":
        return "AssetNotConsumable"
    return ""


def _promised_for_start(kind: str) -> tuple[str, int]:
    """A lost answer is looked for; what was refused is not."""
    results = {
        "refused": ("ConnectFailed", 0),
        "broken unread": ("StartUncertain", 1),
        "redirect": ("RedirectRefused", 1),
        "busy": ("TooManyRequests", 1),
        "too large to send": ("RequestInvalid", 1),
        "500": ("ProviderFault", 1),
        "404": ("EndpointNotFound", 1),
        "400 field": ("RequestInvalid", 1),
        "400 refused": ("WorkflowRefused", 1),
    }
    return results.get(kind, (VALUE, 1))


def run(cell: Cell) -> Outcome:
    """Run one cell."""
    wallet = new_wallet()
    with World() as world:
        options = {"timeout.connect": CONNECT_S, "timeout.read": READ_S, "timeout.total": TOTAL_S}
        job_id = start(world.compute(), wallet, order=OTHER_ORDER)
        compute = world.compute(**options)
        acts: dict[str, Callable[[], Any]] = {
            "status": lambda: compute.status(DID, job_id, wallet),
            "start": lambda: start(compute, wallet),
            "result": lambda: compute.result(DID, job_id, wallet),
            "stop": lambda: compute.stop(DID, job_id, wallet),
        }
        act = acts[cell.call]
        if cell.warm:
            act()
            compute.client._reachable.clear()  # remembered for seconds only: most starts ask again
        world.forget_requests()
        _break(world, cell)
        outcome = _observe(act, world, cell)
        _mend(world, cell)
        outcome.again = _observe(act, world, cell).result
    return outcome


def _observe(act: Callable[[], Any], world: World, cell: Cell) -> Outcome:
    started = time.monotonic()
    result, is_ours, text = VALUE, True, ""
    try:
        act()
    except Exception as error:
        result, is_ours, text = type(error).__name__, isinstance(error, OceanError), str(error)
    seconds = time.monotonic() - started
    counts = dict(world.provider.count())
    is_aquarius = cell.operation == "Aquarius get"
    requests = len(world.aquarius.seen) if is_aquarius else counts.get(cell.operation, 0)
    return Outcome(result, is_ours, requests, seconds, counts, text=text)


def _break(world: World, cell: Cell) -> None:
    if cell.fault.fault is not None:
        if cell.operation == "Aquarius get":
            world.aquarius.fault = cell.fault.fault
        else:
            world.provider.faults[cell.operation] = cell.fault.fault
        return
    before = (WARM if cell.warm else CALLS)[cell.call]
    before = before[: before.index(cell.operation)]
    if cell.operation == "Aquarius get":
        world.aquarius.server.go_down()
    elif before and before[-1] != "Aquarius get":
        world.provider.down_after = before[-1]
    else:
        world.provider.server.go_down()


def _mend(world: World, cell: Cell) -> None:
    world.aquarius.fault = None
    world.provider.faults.clear()
    world.provider.down_after = ""
    if cell.fault.fault is None and cell.operation == "Aquarius get":
        world.aquarius.server.come_back()
    elif cell.fault.fault is None:
        world.provider.server.come_back()


def run_all() -> dict[Cell, Outcome]:
    """Run the whole matrix, many cells at a time."""
    todo = list(cells())
    # The slow ones first, so that none of them is left alone at the end.
    todo.sort(key=lambda cell: cell.fault.kind != "slow")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tried = dict(zip(todo, pool.map(_tried, todo), strict=True))
    # A thread among many may wait for a second, which is a time-out here: once more, alone.
    return {cell: outcome or run(cell) for cell, outcome in tried.items()}


def _tried(cell: Cell) -> Outcome | None:
    """Run one cell; None if it did not end as promised, or never came to its fault."""
    try:
        outcome = run(cell)
    except OceanError:
        return None
    is_right = (outcome.result, outcome.requests) == promised(cell) and outcome.again == VALUE
    return outcome if is_right else None
