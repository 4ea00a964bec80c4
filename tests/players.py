"""A Provider and a metadata cache played on raw sockets, and a client in front of them.

They follow the measured protocol with code of their own (eth-account's primitives, nothing of
`ocean_lib`), enforce the exact nonce as the real Provider does, count every request, and do
something wrong where a test tells them to.
"""

from __future__ import annotations

import copy
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct

from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.web3_internal.wallet import Wallet
from tests import vectors
from tests.wire import Exchange, Reply, Request, WireServer, answer, html

DID = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"
ALGORITHM_DID = "did:op:1Bc77d1993174a542003f1612c7C318f14804360"
SERVICE_INDEX = 4
ORDER = "0x" + "4f" * 32
OTHER_ORDER = "0x" + "0e" * 32
ALGORITHM_ORDER = "0x" + "a1" * 32
RAW = AlgorithmMetadata(
    {"rawcode": "print(1)", "container": {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}}
)
OWNER_KEYS = ("resultsUrl", "algorithmLogUrl", "resultsDid", "owner")
RESULT_URL = "http://127.0.0.1/results/out.csv?token=result-url-secret"
LOG_URL = "http://127.0.0.1/results/algorithm.log?token=result-url-secret"
FILE = b"a,b\n1,2\n"
METHODS = {
    "computeStart": "POST",
    "computeStatus": "GET",
    "computeStop": "PUT",
    "computeDelete": "DELETE",
}


def recorded_ddo() -> dict[str, Any]:
    """Return the recorded data set with a compute service."""
    recording = vectors.load("10-compute-start-algorithm-did")
    ddo: dict[str, Any] = json.loads(
        vectors.exchange(recording, "GET", "/api/v1/aquarius")["response_body"]
    )
    return ddo


DDO = recorded_ddo()


@dataclass(frozen=True)
class Fault:
    """What is done in place of the right answer to one operation.

    Attributes:
        reply: done after the request was read; None: see `unread`.
        unread: done when the request has come, but before anything of it is read.
        acts: whether the Provider does what was asked before it fails to say so.
    """

    reply: Reply | None = None
    unread: Reply | None = None
    acts: bool = True


@dataclass
class Provider:
    """A Provider with jobs and nonces, all in memory.

    Attributes:
        services: path prefix of its services.
        faults: operation to what goes wrong with it.
        down_after: the operation after whose answer it refuses all connections.
        token_lifetime_s: for how long an auth token is taken.
        new_job_id: makes the id of the next job.
    """

    services: str = "/api/v1/services"
    token_lifetime_s: float = 24 * 3600.0
    new_job_id: Callable[[], str] = lambda: uuid.uuid4().hex

    def __post_init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.down_after = ""
        self.nonces: dict[str, int] = {}
        self.jobs: list[dict[str, Any]] = []
        self.seen: list[str] = []
        self.refused_signatures = 0
        self.lock = threading.RLock()

    def __enter__(self) -> Provider:
        self.server = WireServer(self.route, on_unread=self._unread)
        self.server.__enter__()
        self.url = self.server.url
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def count(self) -> Counter[str]:
        """Return how often each operation was asked for."""
        with self.lock:
            return Counter(self.seen)

    def forget_requests(self) -> None:
        """Start counting anew."""
        with self.lock:
            self.seen.clear()
            self.server.requests.clear()

    def operation_of(self, method: str, target: str) -> str:
        """Name the operation of a request line."""
        path, _, query = target.partition("?")
        if path == "/":
            return "endpoints"
        name = path.removeprefix(self.services + "/")
        if name != "compute":
            return name if path.startswith(self.services) else "unknown"
        by_method = {"POST": "start", "PUT": "stop", "DELETE": "delete"}
        if method in by_method:
            return by_method[method]
        if "signature=" in query:
            return "result"
        return "look" if "jobId=&" in query + "&" else "status"

    def _unread(self, line: str) -> Reply | None:
        method, _, rest = line.partition(" ")
        operation = self.operation_of(method, rest.rpartition(" ")[0])
        fault = self.faults.get(operation)
        if not line or fault is None or fault.unread is None:
            return None
        with self.lock:
            self.seen.append(operation)
        return fault.unread

    def route(self, request: Request) -> Reply:
        """Answer as the protocol says, or as a fault says."""
        operation = self.operation_of(request.method, request.target)
        with self.lock:
            self.seen.append(operation)
            fault = self.faults.get(operation)
            if fault is not None and fault.reply is not None:
                if fault.acts:
                    self._right(operation, request)
                return fault.reply
            reply = self._right(operation, request)
        if operation == self.down_after:
            return self._last(reply)
        return reply

    def _last(self, reply: Reply) -> Reply:
        def then_go_down(exchange: Exchange) -> None:
            self.server.stop_listening()
            # Said in the answer: else the next request might still go out on this connection.
            edited(exchange, reply, lambda head: head + b"\r\nConnection: close")
            exchange.keep_alive = False

        return then_go_down

    def _right(self, operation: str, request: Request) -> Reply:
        ask: Callable[[Request], Reply] | None = getattr(self, f"_{operation}", None)
        return html(404) if ask is None else ask(request)

    def _endpoints(self, _: Request) -> Reply:
        at = self.services
        return dated(
            {
                "software": "Provider",
                "providerAddress": "0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e",
                "serviceEndpoints": {
                    **{name: [method, f"{at}/compute"] for name, method in METHODS.items()},
                    "nonce": ["GET", f"{at}/nonce"],
                    "fileinfo": ["POST", f"{at}/fileinfo"],
                    "encrypt": ["POST", f"{at}/encrypt"],
                    "initialize": ["GET", f"{at}/initialize"],
                    "download": ["GET", f"{at}/download"],
                },
            }
        )

    def _nonce(self, request: Request) -> Reply:
        stored = self.nonces.get(request.query["userAddress"])
        return dated({"nonce": 0 if stored is None else str(stored)})

    def _fileinfo(self, _: Request) -> Reply:
        return dated([{"index": 0, "valid": True, "contentLength": "1", "contentType": "text/csv"}])

    def _start(self, request: Request) -> Reply:
        said = request.json()
        if not self._signed(said["consumerAddress"], "", said["documentId"], said["signature"]):
            return not_your_signature()
        job = {
            "agreementId": said["transferTxId"],
            "algoDID": said.get("algorithmDid", ""),
            "algorithmLogUrl": LOG_URL,
            "dateCreated": time.time(),
            "dateFinished": None,
            "inputDID": [said["documentId"], *(i["documentId"] for i in said["additionalInputs"])],
            "jobId": self.new_job_id(),
            "owner": said["consumerAddress"],
            "removed": 0,
            "resultsDid": "",
            "resultsUrl": [RESULT_URL],
            "status": 1,
            "statusText": "Warming up",
            "stopreq": 0,
        }
        self.jobs.append(job)
        return dated([job])

    def _result(self, request: Request) -> Reply:
        query = request.query
        found = self._of(query)
        accepted = self._signed(
            query["consumerAddress"], query["jobId"], query["documentId"], query["signature"], True
        )
        return dated(found if accepted else [unsigned(job) for job in found])

    def _status(self, request: Request) -> Reply:
        return dated([unsigned(job) for job in self._of(request.query)])

    _look = _status

    def _stop(self, request: Request) -> Reply:
        query = request.query
        if not self._signed(
            query["consumerAddress"], query["jobId"], query["documentId"], query["signature"]
        ):
            return not_your_signature()
        found = self._of(query)
        for job in found:
            job["stopreq"] = 1
        return dated(found)

    def _delete(self, request: Request) -> Reply:
        query = request.query
        if not self._signed(
            query["consumerAddress"], query["jobId"], query["documentId"], query["signature"]
        ):
            return not_your_signature()
        gone = self._of(query)
        self.jobs = [job for job in self.jobs if job not in gone]
        return dated("")

    def _download(self, request: Request) -> Reply:
        query = request.query
        if not self._signs(query["consumerAddress"], query["documentId"], query["signature"]):
            return not_your_signature()
        return answer(200, FILE, "text/csv", **{"Content-Disposition": "attachment;filename=a.csv"})

    def _encrypt(self, request: Request) -> Reply:
        said = request.json()
        # As measured, nobody looks at the signature, and the nonce moves; a test can look.
        self._signs(said["publisherAddress"], said["documentId"], said["signature"], True)
        return dated({"encryptedDocument": "0x" + said["document"].encode().hex()}, 201)

    def _of(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return [
            job
            for job in self.jobs
            if job["owner"] == query["consumerAddress"] and query["jobId"] in ("", job["jobId"])
        ]

    def _signed(
        self, address: str, job_id: str, did: str, signature: str, moves_anyway: bool = False
    ) -> bool:
        """Check a compute call's signature."""
        return self._signs(address, f"{address}{job_id}{did}", signature, moves_anyway)

    def _signs(self, address: str, text: str, signature: str, moves_anyway: bool = False) -> bool:
        """Check a signature over exactly the stored nonce, and move that as measured."""
        signed, _, made = signature.partition("-")
        if made:
            login = f"Ocean Protocol Authentication\n{made}"
            accepted = 0 <= time.time() - int(made) < self.token_lifetime_s
            accepted &= signer_of(login, signed) == address
            self.refused_signatures += not accepted
            return accepted
        nonce = self.nonces.get(address, 0)
        accepted = signer_of(f"{text}{nonce}", signed) == address
        if accepted or moves_anyway:
            self.nonces[address] = nonce + 1
        self.refused_signatures += not accepted
        return accepted


@dataclass
class Aquarius:
    """A metadata cache that holds one data set.

    Attributes:
        provider_url: where its compute service is.
    """

    provider_url: str

    def __post_init__(self) -> None:
        self.fault: Fault | None = None
        self.seen: list[str] = []
        self.ddo = copy.deepcopy(DDO)

    def __enter__(self) -> Aquarius:
        self.server = WireServer(self.route, on_unread=self._unread)
        self.server.__enter__()
        self.url = self.server.url
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def document(self) -> dict[str, Any]:
        """Return the data set as it is now."""
        services = [dict(service) for service in self.ddo["service"]]
        for service in services:
            if service["type"] == "compute":
                service["serviceEndpoint"] = self.provider_url
        return {**self.ddo, "service": services}

    def _unread(self, line: str) -> Reply | None:
        if not line or self.fault is None or self.fault.unread is None:
            return None
        self.seen.append(line)
        return self.fault.unread

    def route(self, request: Request) -> Reply:
        """Answer with the data set, or as a fault says."""
        self.seen.append(request.target)
        if self.fault is not None and self.fault.reply is not None:
            return self.fault.reply
        if (request.method, request.path) == ("POST", "/api/v1/aquarius/assets/ddo/query"):
            return dated({"results": [self.document()], "page": 1, "total_pages": 1})
        return dated(self.document()) if request.path.endswith(DID) else html(404)


class World:
    """A Provider, a metadata cache, and clients of them."""

    def __init__(self, services: str = "/api/v1/services") -> None:
        self.provider = Provider(services)

    def __enter__(self) -> World:
        with ExitStack() as stack:
            stack.enter_context(self.provider)
            self.aquarius = stack.enter_context(Aquarius(self.provider.url))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def config(self, **resources: object) -> Config:
        """Return a config of this world, with these options of [resources] on top."""
        return Config(
            options_dict={
                "eth-network": {"network": "http://127.0.0.1:1"},
                "resources": {
                    "metadata_cache_uri": self.aquarius.url,
                    "provider.url": self.provider.url,
                    **{name: str(value) for name, value in resources.items()},
                },
            }
        )

    def compute(self, **resources: object) -> OceanCompute:
        """Return a client of its own."""
        config = self.config(**resources)
        return OceanCompute(config, DataServiceProvider(config))

    def requests(self) -> int:
        """Return how many requests came in all."""
        return len(self.provider.seen) + len(self.aquarius.seen)

    def forget_requests(self) -> None:
        """Start counting anew."""
        self.provider.forget_requests()
        self.aquarius.seen.clear()


def start(compute: OceanCompute, wallet: Any, order: str = ORDER, **options: Any) -> str:
    """Start a job of raw code on the data set."""
    options = options or {"algorithm_meta": RAW}
    return compute.start([ComputeInput(DID, order, SERVICE_INDEX)], wallet, **options)


def new_wallet() -> Wallet:
    """Return a wallet with a key of its own."""
    return Wallet.create()


def dated(value: Any, status: int = 200) -> Reply:
    """Return a JSON answer with the server's clock, as servers send it."""
    return answer(status, json.dumps(value), Date=formatdate(usegmt=True))


def edited(exchange: Exchange, reply: Reply, edit: Callable[[bytes], bytes]) -> None:
    """Do a reply with its head changed."""
    sent: list[bytes] = []
    catch = Exchange(exchange.sock, exchange.request, exchange.over)
    catch.send = sent.append  # type: ignore[method-assign]
    reply(catch)
    head, _, body = b"".join(sent).partition(b"\r\n\r\n")
    exchange.send(edit(head) + b"\r\n\r\n" + body)


def unsigned(job: dict[str, Any]) -> dict[str, Any]:
    """Return what an unsigned call shows of a job."""
    return {key: value for key, value in job.items() if key not in OWNER_KEYS}


def not_your_signature() -> Reply:
    """Return the answer to a signature that is not accepted."""
    return dated(
        {
            "errors": {"signature": ["Invalid signature provided."]},
            "message": "Validation error",
        },
        400,
    )


def signer_of(text: str, signature: str) -> str:
    """Return whose signature this is, '' if nobody's."""
    try:
        return str(Account.recover_message(encode_defunct(text=text), signature=signature))
    except Exception:
        return ""
