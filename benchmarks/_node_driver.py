"""This library at work on an Ocean Node: the orders of `_driver`, with what a node has."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from _driver import Driver, main, peak_bytes, rss_bytes

IMAGE = {"image": "python", "tag": "3.11-slim", "entrypoint": "python3 $ALGO"}


class NodeDriver(Driver):
    """The client under test on a node; `did` is the URL of an input."""

    is_ours = True

    def do_setup(self, url: str, did: str, keys: list[str]) -> dict[str, Any]:
        """Make the client and its wallets, one for each key."""
        from ocean_lib import AlgorithmMetadata, FileInput
        from ocean_lib.web3_internal.wallet import Wallet

        self.url, self.did = url, ""
        self.compute = self._compute_at(url)
        self.http = self.compute.http
        self.wallets = [Wallet(None, private_key=key) for key in keys]
        self.inputs = [FileInput(did)]
        self.meta: Callable[[Any], Any] = lambda code: AlgorithmMetadata(
            {
                "rawcode": json.dumps(code),
                "language": "python",
                "version": "1",
                "container": IMAGE,
            }
        )
        return {"addresses": [wallet.address for wallet in self.wallets]}

    def _compute_at(self, url: str) -> Any:
        from ocean_lib import Config, Ocean

        options = {"provider.url": url, "provider.polls_per_minute": "100000"}
        return Ocean(Config(options_dict={"resources": options})).compute

    def do_jobs(self, n: int, seconds: float, size: int) -> dict[str, Any]:
        """Start jobs with the first wallet; those of no length are waited for."""
        code = {"seconds": seconds, "bytes": size}
        jobs = [self._start(self.wallets[0], code) for _ in range(n)]
        if not seconds:
            self.compute.wait_all(jobs)
        return {"jobs": [job.job_id for job in jobs]}

    def do_download(self, how: str, folder: str, job_id: str) -> dict[str, Any]:
        """Download the outputs, unpacked, from the node's own URL: `how`."""
        job = self._compute_at(how).job("", job_id, self.wallets[0])
        job.status()  # the way to the job is not what is measured
        before = rss_bytes()
        began, cpu = time.perf_counter(), time.process_time()
        job.download(folder, logs=False, progress=False)
        return {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "written": sum(file.stat().st_size for file in Path(folder).rglob("*.bin")),
            "peak": peak_bytes(),
            "above": peak_bytes() - before,
        }

    def _bare_request(self, _: str) -> tuple[str, dict[str, str]]:
        url = self.url + "/api/services/nonce"
        return url, {"userAddress": self.wallets[0].address}

    def _start(self, wallet: Any, code: dict[str, Any]) -> Any:
        return self.compute.submit(self.inputs, wallet, algorithm_meta=self.meta(code))

    def _call(self, op: str) -> Callable[[Any, str], Any]:
        def start(wallet: Any, _: str) -> Any:
            return self._start(wallet, {"seconds": 0, "bytes": 0})

        def first_start(wallet: Any, job_id: str) -> Any:
            self.compute = self._compute_at(self.url)  # nothing remembered, and no connection
            return start(wallet, job_id)

        def environments(_: Any, __: str) -> Any:
            self.compute = self._compute_at(self.url)
            return self.compute.environments()

        def status(wallet: Any, job_id: str) -> Any:
            return self.compute.job("", job_id, wallet).status()

        def result(wallet: Any, job_id: str) -> Any:
            text = self.compute.job("", job_id, wallet).logs()
            if not text:
                raise ValueError("an empty log")
            return text

        def stop(wallet: Any, job_id: str) -> Any:
            return self.compute.job("", job_id, wallet).stop()

        calls = {"status": status, "result": result, "stop": stop, "environments": environments}
        return {"start": start, "first start": first_start, **calls}[op]


if __name__ == "__main__":
    main(NodeDriver())
