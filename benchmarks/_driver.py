"""One client at work: the same lines for ocean-lib 0.5.25 (Python 3.8) and for this library.

Both offer the same classes under the same paths, so only what the old one lacks (handles, waiting,
downloads of results) is ours alone. Reads one JSON object a line, {"do": name, ...}, does it, and
answers with one line. Everything it times is done in this process, so its CPU time is the client's.

This file has to run on Python 3.8.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the old client prints; that is no answer


def rss_bytes() -> int:
    """Return how much memory this process has in RAM now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def peak_bytes() -> int:
    """Return the most memory this process has had in RAM."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Driver:
    """The client under test, and what can be asked of it; every `do_*` method is one order."""

    def do_setup(self, url: str, did: str, keys: list[str]) -> dict[str, Any]:
        """Make the client and its wallets, one for each key."""
        from ocean_lib.config import Config
        from ocean_lib.data_provider.data_service_provider import DataServiceProvider
        from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
        from ocean_lib.models.compute_input import ComputeInput
        from ocean_lib.ocean.ocean_compute import OceanCompute
        from ocean_lib.web3_internal.wallet import Wallet

        self.is_ours = hasattr(DataServiceProvider, "shared")
        web3 = None
        if not self.is_ours:
            from web3 import HTTPProvider

            from ocean_lib.web3_internal.web3_provider import Web3Provider

            # Nobody listens there: only the accounts of web3 are used.
            Web3Provider.init_web3(provider=HTTPProvider("http://127.0.0.1:1"))
            web3 = Web3Provider.get_web3()
        config = Config(
            options_dict={"resources": {"provider.url": url, "metadata_cache_uri": url}}
        )
        self.provider = DataServiceProvider(config) if self.is_ours else DataServiceProvider
        self.http = getattr(self.provider, "http", None)
        self.compute = OceanCompute(config, self.provider)
        self.url, self.did = url, did
        self.wallets = [Wallet(web3, private_key=key) for key in keys]
        self.inputs = [ComputeInput(did, "0x" + "3a" * 32, 4)]
        self.algorithm = AlgorithmMetadata(
            {
                "rawcode": "print(1)",
                "language": "python",
                "format": "docker-image",
                "version": "0.1",
                "container": {"image": "python", "tag": "3.8", "entrypoint": "python3 $ALGO"},
            }
        )
        return {"addresses": [wallet.address for wallet in self.wallets]}

    def do_calls(self, op: str, n: int, job_id: str) -> dict[str, Any]:
        """Call one operation n times in a row, with the first wallet."""
        call = self._call(op)
        walls = []
        cpu = time.process_time()
        for _ in range(n):
            began = time.perf_counter()
            call(self.wallets[0], job_id)
            walls.append(time.perf_counter() - began)
        return {"walls": walls, "cpu": (time.process_time() - cpu) / max(n, 1)}

    def do_threads(self, op: str, threads: int, each: int, jobs: list[str]) -> dict[str, Any]:
        """Call one operation from many threads; thread i uses wallet and job i, or the only one."""
        call = self._call(op)
        failed = []
        start = threading.Barrier(threads + 1)

        def work(number: int) -> None:
            wallet = self.wallets[number % len(jobs)]
            start.wait()
            for _ in range(each):
                try:
                    call(wallet, jobs[number % len(jobs)])
                except Exception as error:  # noqa: BLE001 - whatever it is, the call has failed
                    failed.append(type(error).__name__)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        start.wait()
        began = time.perf_counter()
        for worker in workers:
            worker.join()
        taken = time.perf_counter() - began
        total = threads * each
        return {"seconds": taken, "calls": total, "failed": len(failed), "why": sorted(set(failed))}

    def do_limits(self, n: int, job_id: str) -> dict[str, Any]:
        """Time what a call cannot go below: a signature, and a round trip of its own session.

        A bare `requests.Session` is measured as well: what most Python programs pay.
        """
        import requests
        from coincurve import PrivateKey

        key, digest = PrivateKey(b"\1" * 32), b"\2" * 32
        began = time.process_time()
        for _ in range(1000):
            key.sign_recoverable(digest, hasher=None)
        sign = (time.process_time() - began) / 1000
        url, query = self._bare_request(job_id)
        walls, cpu = self._round_trips(self.http.client, url, query, n)
        with requests.Session() as session:
            session.trust_env = False  # else it goes through the environment at every call
            _, bare_cpu = self._round_trips(session, url, query, n)
        return {"sign_cpu": sign, "walls": walls, "cpu": cpu, "bare_cpu": bare_cpu}

    def _bare_request(self, job_id: str) -> tuple[str, dict[str, str]]:
        """Return the URL and the query of what no client can answer without asking."""
        query = {"documentId": self.did, "consumerAddress": self.wallets[0].address}
        query["jobId"] = job_id
        return self.url + "/api/v1/services/compute", query

    def _round_trips(self, session: Any, url: str, query: dict[str, str], n: int) -> Any:
        walls = []
        session.get(url, params=query, timeout=60).json()
        cpu = time.process_time()
        for _ in range(n):
            began = time.perf_counter()
            session.get(url, params=query, timeout=60).json()
            walls.append(time.perf_counter() - began)
        return walls, (time.process_time() - cpu) / n

    def do_wait(self, jobs: list[str]) -> dict[str, Any]:
        """Wait until all jobs have ended; job i belongs to wallet i, or to the only one."""
        began, cpu, before = time.perf_counter(), time.process_time(), rss_bytes()
        most_threads = 0
        if self.is_ours:
            handles = [
                self.compute.job(self.did, job, self.wallets[number % len(self.wallets)])
                for number, job in enumerate(jobs)
            ]

            def seen(_: Any) -> None:
                nonlocal most_threads
                most_threads = max(most_threads, threading.active_count())

            self.compute.wait_all(handles, on_update=seen)
        else:  # one after the other: what its users can do
            running = list(jobs)
            most_threads = 1
            while running:
                wallet = self.wallets[0]
                states = [(job, self.compute.status(self.did, job, wallet)) for job in running]
                running = [job for job, state in states if state["status"] < 70]
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "threads": most_threads,
            "bytes": max(0, peak_bytes() - before),
        }

    def do_handles(self, n: int) -> dict[str, Any]:
        """Make n handles and keep them."""
        import gc

        gc.collect()
        before = rss_bytes()
        began = time.perf_counter()
        handles = [
            self.compute.job(self.did, f"{number:032x}", self.wallets[0]) for number in range(n)
        ]
        taken = time.perf_counter() - began
        return {"bytes": rss_bytes() - before, "seconds": taken, "handles": len(handles)}

    def do_download(self, how: str, folder: str, job_id: str) -> dict[str, Any]:
        """Download one file: as the documented call does, as a job's result, or by bare socket."""
        before = rss_bytes()
        began, cpu = time.perf_counter(), time.process_time()
        if how == "socket":
            written = self._download_by_socket(Path(folder, "file"))
        elif how == "result":
            self.compute.job(self.did, job_id, self.wallets[0]).download(folder, logs=False)
            written = max(path.stat().st_size for path in Path(folder).iterdir())
        else:
            self.provider.download_service(
                self.did,
                self.url + "/api/v1/services/download",
                self.wallets[0],
                [{}],
                folder,
                3,
                self.wallets[0].address,
                "0x" + "3a" * 32,
            )
            written = max(path.stat().st_size for path in Path(folder).iterdir())
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "written": written,
            "peak": peak_bytes(),
            "above": peak_bytes() - before,
        }

    def _download_by_socket(self, path: Path) -> int:
        import socket

        host, _, port = self.url.partition("://")[2].partition(":")
        buffer = memoryview(bytearray(256 * 1024))
        with socket.create_connection((host, int(port))) as sock, path.open("wb") as file:
            sock.sendall(b"GET /files/%d HTTP/1.1\r\nHost: bench\r\n\r\n" % self.size)
            left = self.size
            head = sock.recv(65536).partition(b"\r\n\r\n")[2]
            file.write(head)
            left -= len(head)
            while left:
                got = sock.recv_into(buffer)
                file.write(buffer[:got])
                left -= got
        return path.stat().st_size

    def do_size(self, size: int) -> dict[str, Any]:
        """Take note of how long the file is that the bare socket downloads."""
        self.size = size
        return {}

    def _call(self, op: str) -> Callable[[Any, str], Any]:
        """Return the operation; it raises when it has not done its work."""
        compute, did = self.compute, self.did

        def start(wallet: Any, _: str) -> Any:
            return compute.start(self.inputs, wallet, algorithm_meta=self.algorithm)

        def first_start(wallet: Any, job_id: str) -> Any:
            if self.is_ours:  # the other client remembers nothing anyway
                compute.clear_caches()
            return start(wallet, job_id)

        def result(wallet: Any, job_id: str) -> Any:
            found = compute.result(did, job_id, wallet)
            if not found["urls"]:  # how the old client shows that its signature was not accepted
                raise ValueError("an empty result")
            return found

        def status(wallet: Any, job_id: str) -> Any:
            return compute.status(did, job_id, wallet)

        def stop(wallet: Any, job_id: str) -> Any:
            return compute.stop(did, job_id, wallet)

        calls = {"status": status, "result": result, "stop": stop}
        return {"start": start, "first start": first_start, **calls}[op]


def main(driver: Driver) -> None:
    """Have a driver do as told until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(driver, "do_" + order.pop("do"))(**order)
        ANSWERS.write(json.dumps(answer) + "\n")
        ANSWERS.flush()


if __name__ == "__main__":
    main(Driver())
