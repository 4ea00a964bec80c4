"""A Provider and a metadata cache in one process, quick enough to measure clients against.

It speaks the V3 protocol as far as a compute consumer sees it: discovery, DDO, nonce, fileinfo,
start, status, result, stop, download. Signatures are recovered and the nonce moves as the real
Provider's does, so a client that signs over a stale nonce gets what it would get there. It keeps
nothing but what a run needs, counts requests and connections, and can hold back every answer.

    python benchmarks/_server.py <file of the data set's DDO>

prints its URL and ends when its standard input does. `/bench` is the way to steer it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from _steering import Steering
from coincurve import PublicKey
from Crypto.Hash import keccak

COMPUTE = "/api/v1/services/compute"
ENDPOINTS = {
    "computeStart": ["POST", COMPUTE],
    "computeStatus": ["GET", COMPUTE],
    "computeStop": ["PUT", COMPUTE],
    "computeDelete": ["DELETE", COMPUTE],
    "download": ["GET", "/api/v1/services/download"],
    "fileinfo": ["POST", "/api/v1/services/fileinfo"],
    "nonce": ["GET", "/api/v1/services/nonce"],
}
OWNER_KEYS = ("resultsUrl", "algorithmLogUrl", "resultsDid", "owner")
FINISHED = 70


def signer_of(text: str, signature: str) -> str | None:
    """Return the lower-case address that made an EIP-191 signature, None if it is none."""
    raw = bytes.fromhex(signature.removeprefix("0x"))
    message = text.encode()
    prefixed = b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message
    try:
        point = PublicKey.from_signature_and_message(
            raw[:64] + bytes([raw[64] - 27]), _keccak(prefixed), hasher=None
        )
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is no signature
        return None
    return "0x" + _keccak(point.format(compressed=False)[1:])[-20:].hex()


def _keccak(data: bytes) -> bytes:
    return keccak.new(data=data, digest_bits=256).digest()


class Provider:
    """Nonces and jobs, and what a request is answered: status and document."""

    def __init__(self, ddo: dict[str, Any]) -> None:
        self.url = ""
        self._ddo = ddo
        self._nonces: dict[str, int] = {}
        self._jobs: dict[str, dict[str, dict[str, Any]]] = {}

    def add_job(self, owner: str, ends_in_s: float, urls: list[str]) -> str:
        job_id = uuid.uuid4().hex
        self._jobs.setdefault(owner, {})[job_id] = {
            "agreementId": "0x" + "3a" * 32,
            "algoDID": "",
            "algorithmLogUrl": f"{self.url}/files/200",
            "dateCreated": time.time(),
            "dateFinished": None,
            "inputDID": [self._ddo["id"]],
            "jobId": job_id,
            "owner": owner,
            "removed": 0,
            "resultsDid": "",
            "resultsUrl": urls or [f"{self.url}/files/1000"],
            "ends_at": time.time() + ends_in_s,
            "stopreq": 0,
        }
        return job_id

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Return the HTTP status and the JSON document for a request."""
        if path.startswith("/api/v1/aquarius/assets/ddo/"):
            return 200, self._asset()
        if path in ("", "/"):
            about = {"software": "Provider", "version": "0.4.12", "serviceEndpoints": ENDPOINTS}
            return 200, {**about, "providerAddress": "0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e"}
        if path == "/api/v1/services/nonce":
            nonce = self._nonces.get(query["userAddress"])
            return 200, {"nonce": 0 if nonce is None else str(nonce)}
        if path == "/api/v1/services/fileinfo":
            return 200, [{"index": 0, "valid": True, "contentLength": "1", "contentType": "text"}]
        if path == COMPUTE:
            told = json.loads(body) if method == "POST" else query
            return self._compute(method, told)
        return 404, {"error": f"nothing at {path}"}

    def accepts_download(self, query: dict[str, str]) -> bool:
        return self._accepts("GET", query, query["documentId"])

    def _asset(self) -> dict[str, Any]:
        services = [{**s, "serviceEndpoint": self.url} for s in self._ddo["service"]]
        return {**self._ddo, "service": services}

    def _accepts(self, method: str, told: dict[str, Any], text: str) -> bool:
        """Check the signature; the nonce moves after any GET, and after the rest if it is right."""
        owner = told["consumerAddress"]
        nonce = self._nonces.get(owner, 0)
        is_right = signer_of(f"{text}{nonce}", told["signature"]) == owner.lower()
        if is_right or method == "GET":
            self._nonces[owner] = nonce + 1
        return is_right

    def _compute(self, method: str, told: dict[str, Any]) -> tuple[int, Any]:
        owner, job_id = told["consumerAddress"], told.get("jobId", "")
        is_owner = False
        if told.get("signature"):
            text = f"{owner}{job_id}{told['documentId']}"
            is_owner = self._accepts(method, told, text)
        if method != "GET" and not is_owner:
            errors = {"signature": ["Invalid signature provided."]}
            return 400, {"errors": errors, "message": "Validation error"}
        if method == "POST":
            job_id = self.add_job(owner, 3600.0, [])
        jobs = self._jobs.get(owner, {})
        found = [jobs[job_id]] if job_id in jobs else [] if job_id else list(jobs.values())
        if method == "PUT":
            for job in found:
                job["stopreq"] = 1
        return 200, [self._shown(job, is_owner) for job in found]

    def _shown(self, job: dict[str, Any], is_owner: bool) -> dict[str, Any]:
        shown = {key: value for key, value in job.items() if key != "ends_at"}
        is_over = time.time() >= job["ends_at"]
        shown["status"] = FINISHED if is_over else 40
        shown["statusText"] = "Job finished" if is_over else "Running algorithm "
        shown["dateFinished"] = job["ends_at"] if is_over else None
        if not is_owner:
            for key in OWNER_KEYS:
                del shown[key]
        return shown


class Connection(asyncio.Protocol):
    """One client's connection: takes requests apart, answers them in order."""

    def __init__(self, provider: Provider, steering: Steering) -> None:
        self._provider = provider
        self._steering = steering
        self._data = bytearray()
        self._is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head_ends = self._data.find(b"\r\n\r\n")
        if head_ends < 0:
            return
        lines = self._data[:head_ends].decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines[1:])}
        ends = head_ends + 4 + int(headers.get("content-length", 0))
        if len(self._data) < ends:
            return
        body = bytes(self._data[head_ends + 4 : ends])
        del self._data[:ends]
        method, target, _ = lines[0].split(" ", 2)
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path == "/bench":
            self._send(200, self._steering.take(json.loads(body)))
            return
        self._steering.count(method, parts.path, new_connection=not self._is_counted)
        self._is_counted = True
        self._later(method, parts.path, query, body)

    def _later(self, method: str, path: str, query: dict[str, str], body: bytes) -> None:
        """Act now, as a server near the client's clock would, and answer after the delay."""
        if path.startswith("/files/") or path == "/api/v1/services/download":
            size = int(path.rsplit("/", 1)[1]) if path.startswith("/files/") else None
            if size is None and not self._provider.accepts_download(query):
                self._send(404, {"error": "not yours"})
                return
            asyncio.ensure_future(self._send_file(size))  # noqa: RUF006 - ends by itself
            return
        status, document = self._provider.answer(method, path, query, body)
        if self._steering.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._steering.delay_s, self._send, status, document)
        else:
            self._send(status, document)

    def _send(self, status: int, document: Any) -> None:
        content = json.dumps(document).encode()
        self._transport.write(_head(status, len(content), "application/json") + content)

    async def _send_file(self, size: int | None) -> None:
        size = self._steering.file_bytes if size is None else size
        self._transport.write(_head(200, size, "application/octet-stream"))
        with self._steering.file.open("rb") as file:
            await asyncio.get_running_loop().sendfile(self._transport, file, 0, size)


def _head(status: int, length: int, content_type: str) -> bytes:
    return (
        f"HTTP/1.1 {status} X\r\nServer: bench\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


async def _serve(ddo: dict[str, Any], over: asyncio.Event) -> None:
    provider = Provider(ddo)
    steering = Steering(provider.add_job)
    with steering:
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(provider, steering), "127.0.0.1", 0, backlog=512
        )
        async with server:
            provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            print(provider.url, flush=True)
            await over.wait()


def main() -> None:
    """Serve until standard input ends."""
    ddo = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))

    async def run() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait_for_the_end() -> None:
            sys.stdin.read()
            loop.call_soon_threadsafe(over.set)

        threading.Thread(target=wait_for_the_end, daemon=True).start()
        await _serve(ddo, over)

    asyncio.run(run())


if __name__ == "__main__":
    main()
