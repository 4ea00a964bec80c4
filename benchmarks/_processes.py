"""The server and the clients of a run, each a process of its own, told what to do line by line."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from _environments import ROOT, Environment

HERE = Path(__file__).parent
_VECTOR = ROOT / "tests" / "vectors" / "provider-v3" / "04-order-dataset-initialize.json"


def recorded_ddo() -> str:
    """Return a data set's DDO as the real metadata cache gave it."""
    exchanges = json.loads(_VECTOR.read_text(encoding="utf-8"))["exchanges"]
    return next(e["response_body"] for e in exchanges if "/assets/ddo/" in e["target"])


class Server:
    """The benchmark's Provider and metadata cache.

    Args:
        python: an interpreter with coincurve.
        folder: for the file it reads.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        ddo = folder / "ddo.json"
        ddo.write_text(recorded_ddo(), encoding="utf-8")
        self.did: str = json.loads(ddo.read_text(encoding="utf-8"))["id"]
        self._process = subprocess.Popen(
            [python, HERE / "_server.py", ddo],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self._line = http.client.HTTPConnection(urlsplit(self.url).netloc)

    def tell(self, **order: Any) -> dict[str, Any]:
        """Steer the server; see `_steering`."""
        self._line.request("POST", "/bench", json.dumps(order).encode())
        answer: dict[str, Any] = json.loads(self._line.getresponse().read())
        return answer

    def jobs(self, owners: list[str], ends_in_s: float = 0.0, urls: list[str] | None = None) -> Any:
        """Make one job for each owner; return their ids."""
        wanted = {"owners": owners, "ends_in_s": ends_in_s, "urls": urls or []}
        return self.tell(jobs=wanted)["jobs"]

    def jobs_of(self, client: Client) -> list[str]:
        """Make one job for each wallet of a client; returns their ids."""
        jobs: list[str] = self.jobs(client.addresses)
        return jobs

    def close(self) -> None:
        """End it."""
        self._line.close()
        ended(self._process)


class Client:
    """A process with one of the two clients.

    Args:
        environment: where its client is installed.
        server: what it talks to.
        keys: private keys of its wallets.
    """

    def __init__(self, environment: Environment, server: Server, keys: list[str]) -> None:
        self.name = environment.name
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by close()
        began = time.perf_counter()
        self._process = subprocess.Popen(
            environment.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        told = self.do("setup", url=server.url, did=server.did, keys=keys)
        self.ready_s = time.perf_counter() - began
        self.addresses: list[str] = told["addresses"]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def do(self, what: str, **details: Any) -> dict[str, Any]:
        """Have something done; see `_driver`."""
        streams = self._process
        assert streams.stdin is not None
        assert streams.stdout is not None
        streams.stdin.write(json.dumps({"do": what, **details}) + "\n")
        streams.stdin.flush()
        line = streams.stdout.readline()
        if not line:
            self._said.seek(0)
            raise SystemExit(f"{self.name} failed to {what}:\n{self._said.read()[-3000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        ended(self._process)
        self._said.close()


def ended(process: subprocess.Popen[str]) -> None:
    """End a process by closing its standard input."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
