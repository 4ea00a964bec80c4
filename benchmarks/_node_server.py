"""An embedded Ocean Node, behind a door that counts requests and can hold back every answer.

    python benchmarks/_node_server.py

prints one line (its URLs, and that of an input), then answers each line of orders with one line
(see `_steering`), and ends with its standard input. `{"release": 1000}` waits until so many jobs
run, and ends them 3 seconds later. The node is `LocalNetwork(generation="node")` with its rate
limit off; only what runs the algorithms is not the real one: here a job's code is a JSON object
that says how many seconds it takes and how many bytes come out of it, so that a thousand jobs need
no thousand processes.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
import time
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from _steering import Steering

from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.dialects.node.options import NodeEnvironment, NodeOptions
from ocean_lib.localnet.runners import RunnerJob, RunOutcome

PLACES = 1024
_REQUEST = re.compile(rb"([A-Z]+) ([^ ?]+)[^ ]* HTTP/1\.1\r\n")
_LOG = b"a line of the log\n"
_LONGEST_POLL_S = 5.0


class TimedRunner:
    """Ends each job when its code says so, without running anything."""

    isolation = "nothing runs"

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: dict[str, RunnerJob] = {}
        self._ends: dict[str, float] = {}
        self._stopped: set[str] = set()

    def submit(self, job: RunnerJob) -> None:
        """Note when it ends."""
        with self._changed:
            self._jobs[job.job_id] = job
            self._ends[job.job_id] = time.monotonic() + _code_of(job)["seconds"]

    def poll(self, job_id: str) -> RunOutcome | None:
        """Tell whether it has ended; waits a while for that, as a thousand threads ask."""
        with self._changed:
            left_s = self._ends[job_id] - time.monotonic()
            if left_s > 0:
                self._changed.wait(min(left_s, _LONGEST_POLL_S))
                return None
            return RunOutcome("stopped", -9) if job_id in self._stopped else RunOutcome("exited", 0)

    def stop(self, job_id: str) -> None:
        """End it now."""
        with self._changed:
            self._stopped.add(job_id)
            self._ends[job_id] = 0.0
            self._changed.notify_all()

    def release(self, count: int, in_s: float) -> None:
        """End all that run, in so many seconds; waits until there are so many."""
        while len(self._ends) < count:
            time.sleep(0.05)
        with self._changed:
            self._ends = dict.fromkeys(self._ends, time.monotonic() + in_s)
            self._changed.notify_all()

    def collect(self, job_id: str) -> tuple[PurePosixPath, ...]:
        """Write a log, and an output of the wanted size."""
        with self._changed:
            job = self._jobs.pop(job_id)
            del self._ends[job_id]
        framed = bytes([1, 0, 0, 0]) + len(_LOG).to_bytes(4, "big") + _LOG
        (job.folder / "control" / "algorithm.log").write_bytes(framed)
        with (job.folder / "data" / "outputs" / "output.bin").open("wb") as file:
            file.truncate(_code_of(job)["bytes"])  # sparse: the disk is not what is measured
        return (PurePosixPath("output.bin"),)

    def close(self) -> None:
        """End all that run."""
        self.release(0, 0.0)


def _code_of(job: RunnerJob) -> dict[str, Any]:
    code: dict[str, Any] = json.loads((job.folder / "data" / job.algorithm).read_text())
    return code


async def _pass_on(
    node: tuple[str, int],
    steering: Steering,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Pass one client's connection on to the node; a client sends no request before its answer."""
    from_node, to_node = await asyncio.open_connection(*node)
    answers = asyncio.ensure_future(_pass_back(from_node, steering, writer))
    is_counted = False
    with suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(65536):
            request = _REQUEST.match(data)
            if request:
                method, path = (part.decode("ascii") for part in request.groups())
                steering.count(method, path, new_connection=not is_counted)
                is_counted = True
            to_node.write(data)
        to_node.close()
        await answers


async def _pass_back(
    reader: asyncio.StreamReader, steering: Steering, writer: asyncio.StreamWriter
) -> None:
    loop = asyncio.get_running_loop()
    delay_s = 0.0
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            if delay_s := steering.delay_s:
                loop.call_later(delay_s, writer.write, data)
            else:
                writer.write(data)
    loop.call_later(delay_s, writer.close)


async def _serve(network: LocalNetwork, runner: TimedRunner) -> None:
    url = urlsplit(network.provider_url)
    node = (str(url.hostname), url.port or 0)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def obey() -> None:
        for line in sys.stdin:
            order = json.loads(line)
            if "release" in order:
                runner.release(order["release"], 3.0)
            print(json.dumps(steering.take(order)), flush=True)
        loop.call_soon_threadsafe(over.set)

    with Steering(lambda *_: "") as steering:
        door = await asyncio.start_server(
            lambda *pair: _pass_on(node, steering, *pair), "127.0.0.1", 0, backlog=512
        )
        port = door.sockets[0].getsockname()[1]
        told = {
            "url": f"http://127.0.0.1:{port}",
            "node_url": network.provider_url,
            "input_url": network.publish_file(b"1,2\n", "data.csv"),
        }
        print(json.dumps(told), flush=True)
        threading.Thread(target=obey, daemon=True).start()
        await over.wait()
        door.close()


def main() -> None:
    """Serve until standard input ends."""
    runner = TimedRunner()
    options = NodeOptions(rate_limit=None, environments=(NodeEnvironment(),))
    with LocalNetwork(
        generation="node", node=options, jobs_at_once=PLACES, max_jobs=PLACES, runner=runner
    ) as network:
        asyncio.run(_serve(network, runner))


if __name__ == "__main__":
    main()
