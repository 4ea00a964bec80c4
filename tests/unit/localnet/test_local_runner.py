"""The local runner: limits, endings, and nothing left behind."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocean_lib.localnet.runners import Limits, RunnerJob, RunOutcome
from ocean_lib.localnet.runners._isolation import UnknownIsolation, available_tiers, tier_named
from ocean_lib.localnet.runners._outputs import list_outputs, remove_tree
from ocean_lib.localnet.runners.local import LocalRunner

Run = Callable[..., tuple[RunOutcome, str, list[str]]]


TIERS = [tier.name for tier in available_tiers()]


@pytest.fixture(params=TIERS)
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalRunner]:
    runner = LocalRunner(tmp_path / "tools", isolation=request.param)
    yield runner
    runner.close()


@pytest.fixture
def run(runner: LocalRunner, tmp_path: Path) -> Run:
    def run(code: str, limits: Limits | None = None) -> tuple[RunOutcome, str, list[str]]:
        job = prepare(tmp_path / "job", code, limits or Limits())
        runner.submit(job)
        outcome = finish(runner, job.job_id)
        names = [str(path) for path in runner.collect(job.job_id)]
        log = (job.folder / "control" / "algorithm.log").read_text(errors="replace")
        return outcome, log, names

    return run


def prepare(
    folder: Path, code: str, limits: Limits, *, entrypoint: str = "python3 $ALGO"
) -> RunnerJob:
    for name in ("inputs", "outputs", "logs", "transformations", "ddos", "tmp"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "data" / "transformations" / "algorithm").write_text(code)
    return RunnerJob(
        job_id=folder.name,
        folder=folder,
        entrypoint=entrypoint,
        image="python:3.8",
        dids=("aa",),
        algorithm_did="did:op:bb",
        secret="s",
        limits=limits,
    )


def finish(runner: LocalRunner, job_id: str) -> RunOutcome:
    deadline = time.monotonic() + 20
    while (outcome := runner.poll(job_id)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return outcome


def test_an_algorithm_runs_to_its_end(run: Run, runner: LocalRunner) -> None:
    code = "import os; open(os.environ['OUTPUTS'] + '/x', 'w').write(os.environ['DIDS'])"
    outcome, log, names = run(code)

    assert outcome == RunOutcome("exited", 0)
    assert names == ["x"]
    assert f"isolation: {runner.isolation}" in log


def test_a_secret_of_this_process_is_not_in_its_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "hidden")
    _, log, _ = run("import os; print(sorted(os.environ))")

    assert "MY_SECRET" not in log
    assert "TRANSFORMATION_DID" in log


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("while True: pass", Limits(wall_s=0.3), "wall_time"),
        ("import os, time\nfor _ in range(99):\n if os.fork() == 0: time.sleep(60)\ntime.sleep(60)",
         Limits(processes=20), "processes"),
        ("import os, time\nchunk = 'x' * 10**6\nfor n in range(20):\n"
         " open(os.environ['OUTPUTS'] + f'/{n}', 'w').write(chunk)",
         Limits(output_bytes=10**6), "output_size"),
        ("import mmap, time\nm = mmap.mmap(-1, 10**8)\nfor n in range(0, 10**8, 4096): m[n] = 1\n"
         "time.sleep(60)", Limits(memory_bytes=5 * 10**7), "memory"),
    ],
)  # fmt: skip
def test_each_limit_ends_a_run(run: Run, code: str, limits: Limits, reason: str) -> None:
    outcome, _, _ = run(code, limits)

    assert outcome.reason == reason


def test_memory_cannot_be_had_beyond_the_limit(run: Run) -> None:
    outcome, log, _ = run("x = bytearray(10**9)", Limits(memory_bytes=10**8))

    assert outcome == RunOutcome("exited", 1)
    assert "MemoryError" in log


def test_cpu_time_is_limited(run: Run) -> None:
    outcome, _, _ = run("while True: pass", Limits(cpu_s=1))

    assert outcome.exit_code not in (0, None)


def test_no_file_grows_beyond_the_limit(run: Run) -> None:
    code = "import os\nopen(os.environ['OUTPUTS'] + '/x', 'wb').write(b'x' * 10**6)"
    outcome, log, _ = run(code, Limits(file_size_bytes=10**5))

    assert outcome.exit_code == 1
    assert "File too large" in log


def test_a_log_is_cut_where_it_is_full(run: Run) -> None:
    _, log, _ = run("print('x' * 10**6)", Limits(log_bytes=1000))

    assert log.count("x") < 1100
    assert "the log is full" in log


def test_a_log_that_the_algorithm_replaces_is_still_its_output(run: Run) -> None:
    code = (
        "import os\npath = os.environ['LOGS'] + '/algorithm.log'\nos.unlink(path)\n"
        "os.symlink('/etc/passwd', path)\nprint('still here')"
    )
    _, log, _ = run(code)

    assert "still here" in log
    assert "root:" not in log


def test_an_entry_point_that_does_not_exist_is_told_in_the_log(
    runner: LocalRunner, tmp_path: Path
) -> None:
    job = prepare(tmp_path / "job", "", Limits(), entrypoint="no-such-program $ALGO")
    runner.submit(job)
    outcome = finish(runner, "job")
    runner.collect("job")

    assert outcome == RunOutcome("exited", 127)
    assert "not found" in (job.folder / "control" / "algorithm.log").read_text()


def test_closing_ends_what_runs(runner: LocalRunner, tmp_path: Path) -> None:
    job = prepare(tmp_path / "job", "import signal, time\nsignal.signal(15, signal.SIG_IGN)\n"
                  "while True: time.sleep(1)", Limits())  # fmt: skip
    runner.submit(job)
    started = time.monotonic()
    runner.close()

    assert time.monotonic() - started < 5


def test_the_interpreter_runs_under_both_names(
    run: Run, runner: LocalRunner, tmp_path: Path
) -> None:
    job = prepare(tmp_path / "two", "import sys; print(sys.version_info[:2])", Limits(),
                  entrypoint="python $ALGO && python3 $ALGO")  # fmt: skip
    runner.submit(job)
    outcome = finish(runner, "two")
    runner.collect("two")

    assert outcome == RunOutcome("exited", 0)


def test_outputs_are_capped_in_number(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}").write_text("x")

    assert len(list_outputs(tmp_path, Limits(output_files=5))) == 5
    assert len(list_outputs(tmp_path, Limits(output_bytes=7))) == 7


def test_a_locked_folder_is_removed(tmp_path: Path) -> None:
    locked = tmp_path / "job" / "locked"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    (tmp_path / "job" / "link").symlink_to("/etc")
    locked.chmod(0)
    remove_tree(tmp_path / "job")

    assert not (tmp_path / "job").exists()
    assert Path("/etc").exists()


def test_the_strongest_tier_that_works_is_taken() -> None:
    assert tier_named(None).name == TIERS[0]
    assert TIERS[-1] == "limits"
    with pytest.raises(UnknownIsolation, match=r"these do: .*limits"):
        tier_named("steel")


SEPARATING = [name for name in TIERS if name != "limits"]
HOSTILE = """
import ctypes, os, socket, sys

def attempt(name, action):
    try:
        action()
    except Exception as error:
        print("refused", name, type(error).__name__)
    else:
        print("SUCCEEDED", name)

def read(path):
    return lambda: open(path, "rb").read(1)

def write(path):
    return lambda: open(path, "w").write("x")

def listen_at(path):
    return lambda: socket.socket(socket.AF_UNIX).connect(path)

attempt("key", read(%(key)r))
attempt("passwd", read("/etc/passwd"))
attempt("shadow", read("/etc/shadow"))
attempt("another job", read(%(other)r))
attempt("own control", read(%(control)r))
attempt("change an input", write("/data/inputs/file"))
attempt("new input", write("/data/inputs/new"))
attempt("change the algorithm", write("/data/transformations/algorithm"))
attempt("change a program", write("/usr/bin/env"))
attempt("change the interpreter's wrapper", write("/localnet/bin/python"))
attempt("new file at the root", write("/new"))
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", %(port)d), 2))
attempt("unix socket", listen_at(%(socket)r))
attempt("see the network's process", lambda: os.kill(%(pid)d, 0))
attempt("become root", lambda: os.setuid(0) if os.getuid() else open("/proc/1/root/etc/passwd"))
attempt("device", lambda: os.mknod("/data/outputs/disk", 0o60600, os.makedev(8, 0)))
libc = ctypes.CDLL(None, use_errno=True)
def user_namespace():
    if libc.unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
attempt("a namespace of its own", user_namespace)
def mount():
    if libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b"") != 0:
        raise OSError(ctypes.get_errno(), "mount")
attempt("mount", mount)
print("inputs", sorted(os.listdir("/data/inputs")), "processes",
      sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[-1] < 100)
open("/data/outputs/ok", "w").write("x")
open("/tmp/ok", "w").write("x")
"""


@pytest.mark.parametrize("tier", SEPARATING)
def test_a_hostile_algorithm_gets_nothing(tier: str, tmp_path: Path) -> None:
    key = tmp_path / "keys.json"
    key.write_text("secret")
    other = tmp_path / "other" / "data" / "inputs" / "file"
    other.parent.mkdir(parents=True)
    other.write_text("secret")
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "s"))
    unix.listen()
    tcp = socket.create_server(("127.0.0.1", 0))
    runner = LocalRunner(tmp_path / "tools", isolation=tier)
    code = HOSTILE % {
        "key": str(key),
        "other": str(other),
        "control": str(tmp_path / "job" / "control" / "spec.json"),
        "port": tcp.getsockname()[1],
        "socket": str(tmp_path / "s"),
        "pid": os.getpid(),
    }
    job = prepare(tmp_path / "job", code, Limits())
    (job.folder / "data" / "inputs" / "file").write_text("data")
    runner.submit(job)
    outcome = finish(runner, "job")
    results = runner.collect("job")
    log = (job.folder / "control" / "algorithm.log").read_text()
    for opened in (unix, tcp):
        opened.close()

    assert "SUCCEEDED" not in log, log
    assert log.count("refused") == 18
    assert "inputs ['file'] processes True" in log
    assert outcome == RunOutcome("exited", 0), log
    assert [str(path) for path in results] == ["ok"]
    assert (job.folder / "data" / "inputs" / "file").read_text() == "data"


@pytest.mark.parametrize("tier", SEPARATING)
def test_the_network_is_there_where_the_dataset_allows_it(tier: str, tmp_path: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    code = f"import socket; socket.create_connection({server.getsockname()!r}, 5); print('there')"
    runner = LocalRunner(tmp_path / "tools", isolation=tier)
    job = replace(prepare(tmp_path / "job", code, Limits()), allow_network=True)
    runner.submit(job)
    outcome = finish(runner, "job")
    runner.collect("job")
    server.close()

    assert outcome == RunOutcome("exited", 0)
