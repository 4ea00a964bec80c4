"""A node without a network around it, and recorded requests sent to it.

The recorded signatures are used as they are: they cover the sender, the nonce and the command, so
the node's stored nonce is set to what it was. Ids, places and tokens of the recording are put
into ours, in requests and in what is expected.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_account import Account
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ocean_lib.localnet.dialects.dialect import NetworkParts, OnChain
from ocean_lib.localnet.dialects.node.dialect import NodeDialect
from ocean_lib.localnet.dialects.node.escrow import Escrow
from ocean_lib.localnet.dialects.node.node_key import NodeKey, compact
from ocean_lib.localnet.dialects.node.options import NodeEnvironment, NodeOptions
from ocean_lib.localnet.faults import Faults, StuckJob
from ocean_lib.localnet.files.access import FileAccess, FileStore
from ocean_lib.localnet.http.faulty import with_faults
from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.runners import Limits
from ocean_lib.localnet.runners.local import LocalRunner
from ocean_lib.localnet.state.database import Database
from ocean_lib.localnet.state.files import NetworkKeys
from tests.unit.localnet.node_world import (
    NODE_KEY,
    PUBLISHER_KEY,
    TABLE,
    algorithm_code,
    put_files,
    world,
)
from tests.vectors import nodes
from tests.wire import WireServer, answer

GIGABYTE = 1024**3
FILES = "http://127.0.0.1:18080"
VALID_UNTIL_MS = "1796051991257"
"""Until when a recorded token was good."""
ENVIRONMENTS = (
    NodeEnvironment(max_duration_s=600, max_jobs=16),
    NodeEnvironment(addresses=("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",), max_duration_s=60),
)
_PATIENCE_S = 60


class Node:
    """One node, and what was sent to it."""

    def __init__(self, folder: Path, options: NodeOptions, files_url: str) -> None:
        self.database = Database(folder / "network.db")
        self.faults = Faults()
        self.faults.open()
        self.closing = threading.Event()
        put_files(folder / "files")
        store = FileStore(folder / "files")
        self.chain = world().copy(folder)
        files = FileAccess(store)
        jobs = JobStore(self.database)
        limits = Limits(wall_s=3600, memory_bytes=GIGABYTE, output_bytes=GIGABYTE)
        dialect = NodeDialect(options)
        self.engine = JobEngine(
            jobs,
            LocalRunner(folder / "tools", state=folder),
            files,
            folder / "jobs",
            layout=dialect.layout,
            at_once=16,
            limits=limits,
            faults=self.faults,
        )
        parts = NetworkParts(
            chain=OnChain(self.chain, "", world().contracts),
            keys=NetworkKeys(PUBLISHER_KEY, NODE_KEY, "0x2", ()),
            database=self.database,
            files=files,
            jobs=jobs,
            engine=self.engine,
            max_jobs=1000,
            results_lifetime_s=604800,
            faults=self.faults,
            base_url=lambda: "",
            closing=self.closing,
        )
        self.servers = dialect.serve(parts)
        with_faults(self.servers, self.faults)
        self.servers.start()
        self.client: FlaskClient = self.servers.app.test_client()
        in_an_hour_ms = str(int((time.time() + 3600) * 1000))
        self.names: dict[str, str] = {
            FILES: files_url,
            VALID_UNTIL_MS: in_an_hour_ms,
            **world().names,
        }
        recorded = nodes.load("05")[0]["response"]["body"]["json"]
        ours = self.json("GET", "/api/services/computeEnvironments")
        self.cluster = ours[0]["id"].partition("-")[0]
        for theirs, mine in zip(recorded, ours, strict=False):
            self.names[theirs["id"]] = mine["id"]
        self.names[recorded[0]["id"].partition("-")[0]] = self.cluster

    def close(self) -> None:
        self.closing.set()
        self.faults.close()
        self.servers.close()
        self.engine.close()
        self.database.close()
        self.chain.close()

    @property
    def escrow(self) -> Escrow:
        contracts = world().contracts
        return Escrow(self.chain, contracts.escrow, NodeKey(NODE_KEY), 0)

    def settle(self) -> None:
        """Make a claim pass now."""
        self.servers.settle()

    def json(self, method: str, path: str, **options: Any) -> Any:
        return self.client.open(path, method=method, **options).get_json()

    def adapted(self, value: Any) -> Any:
        """Return the same with our ids, places and tokens in place of the recorded ones."""
        text = json.dumps(value)
        for theirs, mine in self.names.items():
            text = text.replace(theirs, mine)
        return json.loads(text)

    def store_nonce(self, address: str, nonce: int) -> None:
        with self.database.transaction() as connection:
            values = (address, nonce)
            connection.execute("INSERT OR REPLACE INTO nonces VALUES (?, ?)", values)

    def nonce(self, address: str) -> int:
        query = {"userAddress": address}
        return int(self.json("GET", "/api/services/nonce", query_string=query)["nonce"])

    def send(self, recorded: dict[str, Any], *, unchanged: bool = False) -> TestResponse:
        """Send a recorded request."""
        wanted = {k: v for k, v in recorded.items() if k != "rawQuery"}
        wanted = wanted if unchanged else self.adapted(wanted)
        headers = dict(wanted.get("headers", {}))
        body = wanted.get("body") or {}
        data = body.get("text")
        if "json" in body:
            data = json.dumps(body["json"])
        if headers.get("Content-Type") == "application/octet-stream" and "json" in body:
            data = compact(body["json"])
        if data is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        return self.client.open(
            wanted["path"],
            method=wanted["method"],
            query_string=wanted.get("query") or None,
            headers=headers,
            data=data,
        )

    def job(self, job_id: str) -> dict[str, Any]:
        """Return our job as a status shows it."""
        query = {"jobId": f"{self.cluster}-{job_id}"}
        (found,) = self.json("GET", "/api/services/compute", query_string=query)
        document: dict[str, Any] = found
        return document

    def come_to(self, recorded: dict[str, Any], job_id: str) -> None:
        """Let our job come to where the recorded one was, if that can be held."""
        status = recorded["status"]
        if status in (10, 20, 30) or (status == 40 and recorded["algoStartTimestamp"] == "0"):
            if self.faults.active != (StuckJob(status=status),):  # set anew it lets go of jobs
                self.faults.set(StuckJob(status))
            self._wait(lambda job: job["status"] >= status, job_id)
            return
        self.faults.clear()
        if recorded["dateFinished"] is not None:
            self._wait(lambda job: job["dateFinished"] is not None, job_id)
        elif status == 40:
            self._wait(lambda job: job["status"] > 30 and job["algoStartTimestamp"] != "0", job_id)

    def _wait(self, condition: Any, job_id: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not condition(self.job(job_id)):
            assert time.monotonic() < deadline, self.job(job_id)
            time.sleep(0.01)


@contextmanager
def node(folder: Path, options: NodeOptions | None = None) -> Iterator[Node]:
    """Run a node, and a web server with the recorded files."""
    files = {"/table.csv": TABLE, "/algo.py": algorithm_code()}

    def reply(request: Any) -> Any:
        content = files.get(request.path)
        if content is None:
            return answer(404, "there is none", "text/plain")
        return answer(200, content, "text/csv")

    with WireServer(reply) as server:
        running = Node(folder, options or NodeOptions(environments=ENVIRONMENTS), server.url)
        running.engine.start()
        try:
            yield running
        finally:
            running.close()


def signed_with(key: str, address: str, nonce: int, command: str) -> str:
    """Sign as ocean.js does."""
    from eth_account.messages import encode_defunct
    from eth_utils import keccak

    digest = keccak(text=f"{address}{nonce}{command}").lstrip(b"\0")
    signature = Account.sign_message(encode_defunct(primitive=digest), key).signature
    return "0x" + signature.hex().removeprefix("0x")


def told(answered: TestResponse) -> dict[str, Any]:
    """Return an answer's body as the recordings have it."""
    data = answered.get_data()
    if answered.headers.get("Content-Type", "").startswith("application/json"):
        return {"json": json.loads(data)}
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
