"""Run all hostile algorithms in one tier, as the user who runs this, and print what happened.

    python tests/hostile_run.py TIER FOLDER [--attempts] [--quick]

`--attempts` leaves out the sieges, `--quick` the slow ones. FOLDER must not exist; it is removed at
the end. The output is one JSON object.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from ocean_lib.localnet.dialects.v3.jobs import V3Layout  # noqa: E402
from ocean_lib.localnet.runners import Limits, RunnerJob, RunOutcome  # noqa: E402
from ocean_lib.localnet.runners.filters import Landlock  # noqa: E402
from ocean_lib.localnet.runners.folders import remove_tree  # noqa: E402
from ocean_lib.localnet.runners.local import LocalRunner  # noqa: E402
from ocean_lib.localnet.runners.named import CONTAINER  # noqa: E402
from tests import hostile, hostile_sieges  # noqa: E402

OLD_LANDLOCK = "landlock as in Linux 6.7"
NOTHING = "no runner at all"
ON_SLURM = "on a node of a Slurm cluster"
_PATIENCE_S = 90.0


def make_runner(tools: Path, tier: str, state: Path | None = None) -> Any:
    """Make a runner; `OLD_LANDLOCK` leaves the kernel's later protection unused."""
    if tier == CONTAINER:
        from ocean_lib.localnet.runners.containers.engine import Engine
        from ocean_lib.localnet.runners.containers.runner import ContainerRunner

        return ContainerRunner(Engine(), state or tools, grace_s=0)
    if tier == ON_SLURM:
        from ocean_lib.localnet.runners.slurm.options import SlurmOptions
        from ocean_lib.localnet.runners.slurm.runner import SlurmRunner

        ((state or tools) / "slurm").mkdir(parents=True)
        return SlurmRunner(state or tools, "hostile", SlurmOptions(poll_s=0.1))
    if tier != OLD_LANDLOCK:
        return LocalRunner(tools, isolation=tier, state=state)
    runner = LocalRunner(tools, isolation="landlock", state=state)
    runner._tier = Landlock(version=4)
    return runner


def prepare(folder: Path, code: str, limits: Limits, entrypoint: str) -> RunnerJob:
    for name in ("inputs", "outputs", "logs", "transformations", "ddos", "tmp"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "data" / "transformations" / "algorithm").write_text(code)
    (folder / "data" / "inputs" / "file").write_text("data")
    return RunnerJob(
        job_id=folder.name,
        folder=folder,
        entrypoint=entrypoint,
        image="python:3.8",
        limits=limits,
        variables={"DIDS": '["aa"]', "TRANSFORMATION_DID": "", "secret": "s"},
        folder_variables=V3Layout().folder_variables(),
    )


def finish(runner: Any, job_id: str) -> RunOutcome:
    deadline = time.monotonic() + _PATIENCE_S
    while (outcome := runner.poll(job_id)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(job_id)
        time.sleep(0.005)
    return outcome


def log_of(job: RunnerJob) -> str:
    return (job.folder / "control" / "algorithm.log").read_text(errors="replace")


def processes_with(token: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if token.encode() in command and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


@contextmanager
def targets(folder: Path) -> Iterator[dict[str, Any]]:
    """Make what a hostile algorithm is after."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    other = folder / "state" / "jobs" / "other" / "data" / "inputs" / "file"
    other.parent.mkdir(parents=True)
    wanted = {
        "key": folder / "state" / "keys.json",
        "database": folder / "state" / "network.db",
        "other": other,
        "file": home / "file",
        "rsa": home / ".ssh" / "id_rsa",
    }
    for path in wanted.values():
        path.write_text("secret")
        path.chmod(0o600)
    with ExitStack() as stack:
        memory = stack.enter_context(_shared_memory())
        _fill_keyring()
        tcp4 = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        tcp6 = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        udp4 = stack.enter_context(_echo(socket.AF_INET, "127.0.0.1"))
        udp6 = stack.enter_context(_echo(socket.AF_INET6, "::1"))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "unix"))
        unix.listen()
        datagrams = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        datagrams.bind(str(folder / "datagrams"))
        name = f"localnet-{secrets.token_hex(8)}"
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind("\0" + name)
        abstract.listen()
        victim = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        stack.callback(victim.kill)
        yield {
            **{key: str(path) for key, path in wanted.items()},
            "home": str(home),
            "jobs": str(folder / "state" / "jobs"),
            "network": os.getpid(),
            "victim": victim.pid,
            "memory": memory,
            "tcp4": tcp4.getsockname()[1],
            "tcp6": tcp6.getsockname()[1],
            "udp4": udp4,
            "udp6": udp6,
            "unix": str(folder / "unix"),
            "unix_datagrams": str(folder / "datagrams"),
            "abstract": name,
            "null_mode": Path("/dev/null").stat().st_mode & 0o777,
            "control": str(folder / "state" / "jobs" / "attempts" / "control" / "spec.json"),
        }


@contextmanager
def _echo(family: int, host: str) -> Iterator[int]:
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((host, 0))

    def answer() -> None:
        while True:
            data, address = server.recvfrom(16)
            if data == b"end":
                return
            server.sendto(data, address)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    with socket.socket(family, socket.SOCK_DGRAM) as last:
        last.sendto(b"end", server.getsockname()[:2])
    thread.join(5)
    server.close()


@contextmanager
def _shared_memory() -> Iterator[int]:
    libc = ctypes.CDLL(None)
    segment = libc.shmget(0, 4096, 0o1600)
    yield segment
    libc.shmctl(segment, 0, None)


def _fill_keyring() -> None:
    # A session keyring of this process alone, which goes away with it.
    libc = ctypes.CDLL(None)
    if os.uname().machine == "x86_64":
        libc.syscall(250, 1, None)
        libc.syscall(248, b"user", b"localnet", b"secret", 6, -3)


def seen_from_outside(folder: Path, aims: dict[str, Any]) -> dict[str, Any]:
    """Look at what an algorithm may have changed."""
    facts: dict[str, Any] = {}
    for name in ("key", "database", "other", "file", "rsa", "home"):
        try:
            status = Path(aims[name]).stat()
        except FileNotFoundError:
            continue
        facts[name] = [status.st_mode, status.st_uid, status.st_mtime, status.st_size]
    for name in ("/dev/null", "/usr/bin/env", "/etc/passwd"):
        status = Path(name).stat()
        facts[name] = [status.st_mode, status.st_uid, status.st_nlink]
    facts["names"] = sorted(path.name for path in Path(aims["home"]).iterdir())
    victim = Path(f"/proc/{aims['victim']}/stat").read_text().rpartition(")")[2].split()
    facts["victim"] = [victim[1], victim[16]]
    data = folder / "state" / "jobs" / "attempts" / "data"
    facts["input"] = [(path.name, path.read_text()) for path in (data / "inputs").iterdir()]
    return facts


def run_attempts(folder: Path, tier: str) -> dict[str, Any]:
    """Make every attempt in one job."""
    with targets(folder) as aims:
        job = prepare(
            folder / "state" / "jobs" / "attempts", hostile.program(aims), Limits(wall_s=60),
            "python3 $ALGO",
        )  # fmt: skip
        if tier == NOTHING:
            return {"attempts": _told(run_bare(job))}
        before = seen_from_outside(folder, aims)
        runner = make_runner(folder / "tools", tier, folder / "state")
        runner.submit(job)
        outcome = finish(runner, job.job_id)
        results = runner.collect(job.job_id)
        runner.close()
        after = seen_from_outside(folder, aims)
        log = log_of(job)
    changed = [name for name in before if before[name] != after.get(name)]
    return {
        "attempts": _told(log),
        "changed": changed,
        "outcome": asdict(outcome),
        "results": [str(path) for path in results],
        "log": log[-3000:],
    }


def run_bare(job: RunnerJob) -> str:
    """Run an algorithm as any program, to see that what it attempts can succeed."""
    if os.getuid() == 0:
        raise PermissionError("as root some attempts would do harm")
    data = job.folder / "data"
    folders = {"VOLUME": data, "INPUTS": data / "inputs", "OUTPUTS": data / "outputs"}
    environment = {name: str(path) for name, path in folders.items()}
    done = subprocess.run(
        [sys.executable, str(data / "transformations" / "algorithm")],
        env={**os.environ, **environment, "TMPDIR": str(data / "tmp")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def _told(log: str) -> dict[str, Any]:
    told = [json.loads(line) for line in log.splitlines() if line.startswith('{"attempt"')]
    return {item.pop("attempt"): item for item in told}


@contextmanager
def _turn_of(siege: hostile_sieges.Siege) -> Iterator[None]:
    """Let one siege at a time fill the memory.

    Without a control group, some memory shows only in what the machine has lost, and that is
    nothing while a neighbour gives back as much.
    """
    with Path(__file__).open() as shared:
        if "memory_bytes" in siege.limits:
            fcntl.flock(shared, fcntl.LOCK_EX)
        yield


def run_siege(folder: Path, tier: str, siege: hostile_sieges.Siege) -> hostile_sieges.Result:
    """Run one siege and see what is left."""
    token = secrets.token_hex(8)
    limits = siege.all_limits()
    code = hostile_sieges.program(siege)
    job = prepare(folder / "siege", code, limits, f"cd $OUTPUTS; python3 $ALGO {token}")
    runner = make_runner(folder / "tools", tier)
    started = time.monotonic()
    runner.submit(job)
    while siege.stop and not (job.folder / "data" / "outputs" / siege.stop).exists():
        if runner.poll(job.job_id) is not None:
            break
        time.sleep(0.005)
    if siege.stop:
        runner.stop(job.job_id)
    outcome = finish(runner, job.job_id)
    seconds = time.monotonic() - started
    survivors = processes_with(token)
    results = runner.collect(job.job_id)
    runner.close()
    survivors += [0] if _is_locked(job.folder / "data" / "outputs" / "alive") else []
    log = log_of(job)
    size = len(log.encode())
    written = hostile_sieges.bytes_below(job.folder / "data") if "folders" not in siege.name else 0
    remove_tree(job.folder)
    if job.folder.exists():
        survivors.append(-1)
    for pid in survivors:
        if pid > 0:
            os.kill(pid, signal.SIGKILL)
    return hostile_sieges.Result(
        outcome.reason, outcome.exit_code, seconds, [str(path) for path in results],
        log[:20000] + log[-20000:], size, written, survivors,
    )  # fmt: skip


def _is_locked(path: Path) -> bool:
    """Tell whether anybody still has a file open that the job locked."""
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


_NETWORK = """
import os, sys, time
from pathlib import Path
from tests.hostile_run import make_runner, prepare
from tests.hostile_sieges import Limits
folder, tier, token = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
code = (folder / "code").read_text()
runner = make_runner(folder / "tools2", tier)
runner.submit(prepare(folder / "orphan", code, Limits(wall_s=60), f"python3 $ALGO {token}"))
print(getattr(getattr(runner._running["orphan"], "process", None), "pid", 0), flush=True)
# It also holds the lifeline open in a child, as a user's own program may.
if os.fork() == 0:
    code = "import time; time.sleep(30)"
    os.execv(sys.executable, [sys.executable, "-c", code, token + "-child"])
time.sleep(60)
"""


def run_killed(folder: Path, tier: str, victim: str) -> list[int]:
    """Kill the network or the supervisor with SIGKILL, and return what survives of the job."""
    token = secrets.token_hex(8)
    siege = next(item for item in hostile_sieges.SIEGES if item.name == "ignores SIGTERM")
    (folder / "code").write_text(hostile_sieges.program(siege))
    outputs = folder / "orphan" / "data" / "outputs"
    with subprocess.Popen(
        [sys.executable, "-c", _NETWORK, str(folder), tier, token],
        stdout=subprocess.PIPE, cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "DOCKER_HOST": os.environ.get("DOCKER_HOST", "")},
    ) as network:  # fmt: skip
        assert network.stdout is not None
        supervisor = int(network.stdout.readline())
        deadline = time.monotonic() + 20
        while not (outputs / "daemon").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(network.pid if victim == "network" else supervisor, signal.SIGKILL)
        deadline = time.monotonic() + (30 if tier == CONTAINER else 5)
        while (left := _of_job(token)) and time.monotonic() < deadline:
            time.sleep(0.01)
        network.kill()
    for pid in processes_with(token):
        os.kill(pid, signal.SIGKILL)
    remove_tree(folder / "orphan")
    return left


def _of_job(token: str) -> list[int]:
    found = []
    for pid in processes_with(token):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"-child" not in command and b"make_runner" not in command:
            found.append(pid)
    return found


def main() -> None:
    logging.disable()
    tier, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(mode=0o700)
    os.environ["NETWORK_SECRET"] = "hidden"
    found: dict[str, Any] = {"uid": os.getuid(), **run_attempts(folder, tier)}
    if "--attempts" not in sys.argv and tier != NOTHING:
        found["sieges"] = {}
        for siege in hostile_sieges.SIEGES:
            if siege.slow and "--quick" in sys.argv:
                continue
            with _turn_of(siege):
                result = run_siege(folder, tier, siege)
            held = siege.held(result) and not result.survivors
            found["sieges"][siege.name] = {"held": held, **asdict(result)}
            found["sieges"][siege.name]["log"] = result.log[:400] + " ... " + result.log[-400:]
        # A container has no supervisor: it goes on, and the network watches it.
        victims = ("network",) if tier == CONTAINER else ("network", "supervisor")
        found["killed"] = {victim: run_killed(folder, tier, victim) for victim in victims}
    remove_tree(folder)
    print(json.dumps(found))  # noqa: T201 (its purpose)


if __name__ == "__main__":
    main()
