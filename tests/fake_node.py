"""An Ocean Node of a few lines, made of recorded answers, that checks what it is sent itself.

It never uses the client's code: texts, hashes and signatures are checked with eth-account.
"""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak

from tests.vectors import nodes
from tests.wire import Exchange, Reply, Request, WireServer, answer, as_json

PREFIX = "/api/services"
DOCUMENTS = "/api/aquarius/assets/"
COMMANDS = {
    ("POST", "freeCompute"): "freeStartCompute",
    ("POST", "compute"): "startCompute",
    ("PUT", "compute"): "stopCompute",
    ("GET", "computeResult"): "getComputeResult",
    ("GET", "computeStreamableLogs"): "getComputeStreamableLogs",
    ("POST", "auth/token"): "createAuthToken",
}


def recorded(number: str, status: int) -> dict[str, Any]:
    """Return a job of a recording in this state, as a status shows it."""
    found = [
        job
        for one in nodes.load(number)
        for job in nodes.jobs_in(one)
        if one["request"]["method"] == "GET" and job["status"] == status
    ]
    return copy.deepcopy(found[-1])


def files_of(number: str) -> dict[int, bytes]:
    """Return the files of the job of a recording."""
    return {
        int(one["request"]["query"]["index"]): nodes.body_of(one)
        for one in nodes.load(number)
        if one["request"]["path"].endswith("/computeResult")
        and one["request"]["query"].get("index", "").isdigit()
        and one["response"]["status"] == 200
    }


@dataclass
class FakeJob:
    """One job: what it was started with, and the states that polls show, one after the other."""

    id: str
    body: dict[str, Any]
    states: list[dict[str, Any]]
    files: dict[int, bytes]
    log: bytes = b""
    stop_requested: bool = False
    shown: dict[str, Any] | None = None

    def document(self, *, polls: bool = False) -> dict[str, Any]:
        if polls:
            self.shown = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        state = self.shown or self.states[0]
        return state | {
            "jobId": self.id,
            "owner": self.body["consumerAddress"],
            "environment": self.body["environment"],
            "metadata": self.body.get("metadata"),
            "stopRequested": self.stop_requested or state["stopRequested"],
        }


@dataclass
class FakeNode:
    """Serves one node; a context manager.

    Attributes:
        states: which states the next jobs go through.
        files: what their results are, by index.
        log: what is streamed while they run.
        unreadable: URLs that the node cannot read.
        faults: by method and name of a service, what is done in place of the answer, once each;
            `lost` sends nothing after the node has acted.
        limit: how many requests are answered before 429; None for all.
        forgets_stops: whether a stop leaves no trace but in its answer.
        rivals: how often another program of the wallet uses a nonce as soon as it was asked for.
        documents: the assets that its indexer knows.
    """

    states: list[dict[str, Any]] = field(
        default_factory=lambda: [recorded("10", 40), recorded("10", 71)]
    )
    files: dict[int, bytes] = field(default_factory=lambda: files_of("10"))
    log: bytes = b""
    unreadable: set[str] = field(default_factory=set)
    faults: dict[tuple[str, str], list[Reply | str]] = field(default_factory=dict)
    limit: int | None = None
    forgets_stops: bool = False
    rivals: int = 0
    documents: list[dict[str, Any]] = field(default_factory=list)
    wait_s: int = 1
    root_document: dict[str, Any] = field(
        default_factory=lambda: nodes.load("00")[0]["response"]["body"]["json"]
    )

    def __enter__(self) -> FakeNode:
        self.nonces: dict[str, int] = {}
        self.jobs: dict[str, FakeJob] = {}
        self.tokens: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.environments = nodes.load("05")[0]["response"]["body"]["json"]
        self.cluster = self.environments[0]["id"].partition("-")[0]
        self.server = WireServer(self.route)
        self.server.__enter__()
        self.url = self.server.url
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    @property
    def asked(self) -> list[str]:
        """What was asked for, without the base path."""
        return [path.replace(f"{PREFIX}/", "") for path in self.server.paths()]

    def forget(self) -> None:
        """Count requests from now on."""
        self.server.requests.clear()

    def route(self, request: Request) -> Reply:
        with self._lock:
            return self._reply(request)

    def _reply(self, request: Request) -> Reply:
        name = request.path.removeprefix(PREFIX).strip("/")
        if self.limit is not None and len(self.server.requests) > self.limit:
            self.limit = None
            words = f"Rate limit exceeded. Try again in {self.wait_s} seconds."
            return answer(429, words, "text/plain")
        fault = (self.faults.get((request.method, name)) or [None]).pop(0)
        if fault is not None and fault != "lost":
            assert callable(fault)
            return fault
        reply = self._answered(request, name)
        return reply if fault is None else _nothing

    def _answered(self, request: Request, name: str) -> Reply:
        plain: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", ""): lambda _: as_json(self.root_document),
            ("GET", "nonce"): self._nonce,
            ("GET", "computeEnvironments"): lambda _: as_json(self.environments),
            ("GET", "compute"): self._status,
            ("POST", "fileInfo"): self._file,
            ("POST", "auth/token/invalidate"): self._invalidate,
        }
        if (request.method, name) in plain:
            return plain[request.method, name](request)
        if request.path.startswith(DOCUMENTS):
            return self._document(request, request.path.removeprefix(DOCUMENTS))
        command = COMMANDS.get((request.method, name))
        if command is None:
            return answer(404, "Not yet implemented!", "text/plain")
        given = request.json() if request.method == "POST" else request.query
        refusal = self._refusal(request, given, command)
        if refusal:
            if request.method == "PUT":
                return answer(500, "Internal Server Error", "text/plain")
            is_token = command == "createAuthToken"
            return as_json({"error": refusal} if is_token else refusal, 401)
        if command in ("freeStartCompute", "startCompute"):
            return self._start(given)
        if command == "createAuthToken":
            token = f"token-{next(self._numbers)}"
            self.tokens[token] = given["address"]
            return as_json({"token": token})
        return self._about(given, command)

    def _refusal(self, request: Request, given: dict[str, Any], command: str) -> str:
        token = request.headers.get("authorization")
        if token is not None:
            return "" if token in self.tokens else "Invalid token"
        address = given.get("consumerAddress") or given["address"]
        nonce, signature = given["nonce"], given["signature"]
        if int(nonce) <= self.nonces.get(address, 0):
            return f"nonce: {nonce} is not a valid nonce"
        digest = keccak(text=f"{address}{nonce}{command}")
        number = int.from_bytes(digest, "big")
        message = encode_defunct(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        if Account.recover_message(message, signature=signature) != address:
            return "consumer address and nonce signature mismatch"
        self.nonces[address] = int(nonce)
        return ""

    def _nonce(self, request: Request) -> Reply:
        address = request.query["userAddress"]
        told = self.nonces.get(address, 0)
        if self.rivals:
            self.rivals -= 1
            self.nonces[address] = told + 1
        return as_json({"nonce": str(told)})

    def _file(self, request: Request) -> Reply:
        is_there = request.json().get("url") not in self.unreadable
        case = nodes.case("fileInfo by did" if is_there else "fileInfo url not reachable")
        return answer(200, nodes.body_of(case), "application/json")

    def _document(self, request: Request, name: str) -> Reply:
        if name == "metadata/query":
            return as_json([self.documents])
        did = name.removeprefix("ddo/")
        if not did.startswith("did:op"):
            return answer(400, 'Missing or invalid required parameter: "did"', "text/plain")
        found = [one for one in self.documents if one["id"] == did]
        return as_json(found[0]) if found else answer(404, "DDO not found", "text/plain")

    def _invalidate(self, request: Request) -> Reply:
        self.tokens.pop(request.json()["token"], None)
        return as_json({"success": True})

    def _start(self, body: dict[str, Any]) -> Reply:
        if body["environment"] not in {one["id"] for one in self.environments}:
            return as_json("Invalid C2D Environment", 500)
        job_id = f"{next(self._numbers):064x}"
        job = FakeJob(job_id, body, copy.deepcopy(self.states), dict(self.files), self.log)
        self.jobs[job_id] = job
        first = copy.deepcopy(nodes.jobs_in(nodes.load("10")[1])[0])
        first["dateCreated"] = str(time.time())
        for state in job.states:
            state["dateCreated"] = first["dateCreated"]
        shown = first | {
            "jobId": f"{self.cluster}-{job_id}",
            "owner": body["consumerAddress"],
            "environment": body["environment"],
            "metadata": body.get("metadata"),
        }
        return as_json([shown])

    def _found(self, query: dict[str, Any]) -> FakeJob | None:
        job = self.jobs.get(query.get("jobId", "").rpartition("-")[2])
        is_owners = job is not None and job.body["consumerAddress"] == query["consumerAddress"]
        return job if is_owners else None

    def _status(self, request: Request) -> Reply:
        query = request.query
        cluster, dash, _ = query.get("jobId", "").rpartition("-")
        if dash and cluster != self.cluster:
            return answer(500, "Internal Server Error", "text/plain")
        if dash:
            found = self._found(query)
            return as_json([found.document(polls=True)] if found else [])
        owner = query["consumerAddress"]
        of_owner = [job for job in self.jobs.values() if job.body["consumerAddress"] == owner]
        return as_json([job.document(polls=True) for job in of_owner])

    def _about(self, query: dict[str, Any], command: str) -> Reply:
        job = self.jobs.get(query["jobId"].rpartition("-")[2])
        mine = self._found(query)
        if command == "stopCompute":
            if mine is None:
                return as_json([])
            mine.stop_requested = not self.forgets_stops
            return as_json([mine.document() | {"stopRequested": True}])
        if command == "getComputeStreamableLogs":
            if job is None or job.document()["status"] != 40:
                return answer(404, "Job not found or not running", "text/plain")
            return _chunked(job.log)
        if job is None:
            return answer(500, f"Cannot find job with id {query['jobId']}", "text/plain")
        if mine is None:
            words = f"{query['consumerAddress']} is not authorized to get results for job with id x"
            return answer(500, words, "text/plain")
        return _chunked(job.files.get(int(query["index"]), b""))


def _chunked(body: bytes) -> Reply:
    def reply(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 1000):
            piece = body[at : at + 1000]
            exchange.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        exchange.send(b"0\r\n\r\n")

    return reply


def _nothing(exchange: Exchange) -> None:
    exchange.keep_alive = False
