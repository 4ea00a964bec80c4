"""The local runner: limits, endings, and nothing left behind."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ocean_lib.localnet.dialects.v3.jobs import V3Layout
from ocean_lib.localnet.runners import Limits, RunnerJob, RunOutcome, isolation, local
from ocean_lib.localnet.runners.filters import Landlock
from ocean_lib.localnet.runners.folders import written
from ocean_lib.localnet.runners.groups import find_groups
from ocean_lib.localnet.runners.isolation import UnknownIsolation, available_tiers, tier_named
from ocean_lib.localnet.runners.local import LocalRunner
from ocean_lib.localnet.runners.outputs import collect_outputs, remove_tree
from ocean_lib.localnet.runners.place import usual_python

pytestmark = pytest.mark.slow

Run = Callable[..., tuple[RunOutcome, str, list[str]]]


TIERS = [tier.name for tier in available_tiers()]


@pytest.fixture(params=["counted", "uncounted"])
def counted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With a control group, and as where none can be had; a test asks for it before its runner."""
    if request.param == "uncounted":
        monkeypatch.setattr(local, "find_groups", lambda: None)
    elif find_groups() is None:
        pytest.skip("no control group can be made here")
    return bool(request.param == "counted")


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_groups", lambda: None)


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
        limits=limits,
        variables={"DIDS": '["aa"]', "TRANSFORMATION_DID": "bb", "secret": "s"},
        folder_variables=V3Layout().folder_variables(),
    )


def finish(runner: LocalRunner, job_id: str) -> RunOutcome:
    deadline = time.monotonic() + 20
    while (outcome := runner.poll(job_id)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return outcome


def test_what_an_algorithm_needs_of_python_works(run: Run) -> None:
    code = """
import asyncio, concurrent.futures, hashlib, os, shutil, socket, ssl, subprocess, tempfile
import threading, uuid
out = os.environ["OUTPUTS"]
with tempfile.NamedTemporaryFile("w", delete=False) as file:
    file.write("moved")
shutil.copy2(file.name, out + "/copied")
shutil.move(file.name, out + "/moved")
os.makedirs(out + "/a/b")
os.rename(out + "/moved", out + "/a/b/moved")
os.replace(out + "/copied", out + "/a/copied")
print(subprocess.run(["sh", "-c", "echo child | cat"], capture_output=True, text=True).stdout)
async def main():
    process = await asyncio.create_subprocess_exec("true")
    return await process.wait()
print("asyncio", asyncio.run(main()))
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print("threads", sum(pool.map(int, "1234")))
read_fd, write_fd = os.pipe()
if os.fork() == 0:
    os.write(write_fd, b"fork"); os._exit(0)
print(os.read(read_fd, 9), os.wait()[1], uuid.uuid4().version, os.cpu_count() > 0)
print(ssl.create_default_context() is not None, len(os.urandom(4)))
"""
    outcome, log, names = run(code)

    assert outcome == RunOutcome("exited", 0), log
    assert names == ["a/copied", "a/b/moved"]
    assert "child" in log
    assert "asyncio 0" in log


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
    ],
)  # fmt: skip
def test_each_limit_ends_a_run(run: Run, code: str, limits: Limits, reason: str) -> None:
    outcome, _, _ = run(code, limits)

    assert outcome.reason == reason


def test_memory_cannot_be_had_beyond_the_limit(run: Run) -> None:
    outcome, log, _ = run("x = bytearray(10**9)", Limits(memory_bytes=10**8))

    assert outcome == RunOutcome("exited", 1)
    assert "MemoryError" in log


_SHARED_WITH_NOBODY = """
import mmap, time
m = mmap.mmap(-1, 10**8)
for n in range(0, 10**8, 4096): m[n] = 1
time.sleep(60)
"""


def test_memory_in_use_ends_a_run_with_and_without_a_control_group(counted: bool, run: Run) -> None:
    outcome, log, _ = run(_SHARED_WITH_NOBODY, Limits(memory_bytes=5 * 10**7))

    assert outcome.reason == "memory"
    assert ("memfd_create" in log.splitlines()[0]) is not counted


# Much more than the limit: what other programs give back meanwhile hides some of it.
_GIVEN_BACK = """
import mmap, time
kept = []
for _ in range(64):
    kept.append(mmap.mmap(-1, 2**24)); kept[-1].write(b'x' * 2**24)
    kept[-1].madvise(mmap.MADV_DONTNEED)
time.sleep(60)
"""
_UNREAD = """
import os, socket, time
for _ in range(3): os.fork()
kept = []
try:
    while True:
        kept += socket.socketpair()
        for one in kept[-2:]:
            one.setblocking(False)
            try:
                while True: one.send(b'x' * 65536)
            except BlockingIOError: pass
except OSError: pass
time.sleep(60)
"""
_DELETED = """
import mmap, os, socket, time
def deleted(n):
    name = f'{os.environ["OUTPUTS"]}/{n}'
    file = open(name, 'w+b', buffering=0); os.unlink(name)
    file.write(b'x' * 2**24)
    return file
"""
# Python's own mmap keeps a descriptor of the file.
_MAPPED = """
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
for n in range(12):
    with deleted(n) as file:
        at = libc.mmap(None, ctypes.c_long(4096), 1, 1, file.fileno(), ctypes.c_long(0))
        assert at != 2**64 - 1
time.sleep(60)
"""
_IN_FLIGHT = """
ours, theirs = socket.socketpair()
for n in range(12):
    with deleted(n) as file: socket.send_fds(ours, [b'x'], [file.fileno()])
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        (_GIVEN_BACK, Limits(memory_bytes=2**26, wall_s=20), "memory"),
        (_UNREAD, Limits(memory_bytes=2**26, wall_s=20), "memory"),
        (_DELETED + _MAPPED, Limits(output_bytes=2**26, wall_s=20), "output_size"),
        (_DELETED + _IN_FLIGHT, Limits(output_bytes=2**26, wall_s=20), "output_size"),
    ],
    ids=["given back", "sockets nobody reads", "mapped deleted files", "files in a socket"],
)
def test_what_is_in_no_process_ends_a_run_without_a_control_group_too(
    uncounted: None, run: Run, code: str, limits: Limits, reason: str
) -> None:
    outcome, log, _ = run(code, limits)

    assert outcome.reason == reason, log
    assert "memfd_create" in log.splitlines()[0]


def test_memory_without_a_process_is_refused_where_nothing_counts_it(
    uncounted: None, run: Run
) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None)
print(hasattr(os, "memfd_create") and libc.memfd_create(b"x", 0))
print(libc.shmget(0, 4096, 0o600), libc.msgget(0, 0o600))
"""
    outcome, log, _ = run(code)

    assert outcome == RunOutcome("exited", 0), log
    assert log.endswith("\n-1\n-1 -1\n")


def test_a_process_has_fewer_open_files_where_nothing_counts_what_waits_in_them(
    counted: bool, run: Run
) -> None:
    code = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    _, log, _ = run(code)
    most = 1024 if counted else 256

    assert log.splitlines()[-1] == f"{most} {most}"
    assert ("more than 256 open files" in log.splitlines()[0]) is not counted


def test_cpu_time_is_limited(run: Run) -> None:
    outcome, _, _ = run("while True: pass", Limits(cpu_s=1))

    assert outcome.exit_code not in (0, None)
    assert outcome.describe() == "the job used too much CPU time: more than 1 s"


def test_what_an_algorithm_writes_into_its_log_is_added_to_it(run: Run) -> None:
    code = (
        "import os\nprint('printed')\nopen(os.environ['LOGS'] + '/algorithm.log', 'a').write('own')"
    )
    _, log, _ = run(code)

    assert log.index("isolation:") < log.index("printed") < log.index("own")


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

    assert len(collect_outputs(tmp_path, Limits(output_files=5)).results) == 5
    assert len(collect_outputs(tmp_path, Limits(output_bytes=7)).results) == 7


def test_what_is_left_out_of_the_results_is_told(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "new\nline").write_text("x")
    found = collect_outputs(tmp_path, Limits())

    assert [str(path) for path in found.results] == ["plain"]
    assert found.describe() == (
        "not published of the outputs: 1 symbolic links, 1 names with control characters, "
        "1 devices, pipes or sockets"
    )
    assert not (tmp_path / "link").is_symlink()
    assert not (tmp_path / "pipe").exists()


def test_a_folder_deeper_than_any_path_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "job"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("x" * 9, dir_fd=here)
        below = os.open("x" * 9, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    size, names = written([str(top)], most_bytes=10**9, most_names=100)
    remove_tree(top)

    assert size > 0
    assert names > 100
    assert not top.exists()


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
    assert tier_named(None).name == (TIERS[0] if len(TIERS) > 1 else "refused")
    assert TIERS[-1] == "limits"
    with pytest.raises(UnknownIsolation, match=r"these do: .*limits"):
        tier_named("steel")


SEPARATING = [name for name in TIERS if name != "limits"]


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


@pytest.mark.parametrize("tier", SEPARATING)
def test_an_interpreter_whose_path_goes_up_and_down_costs_no_tier(
    tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = "/".join([".."] * len(tmp_path.parts))
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/{up}{sys.executable}")
    [found] = [item for item in isolation.SEPARATING if item.name == tier]

    assert isolation.why_not(found, usual_python()) == ""
    assert ".." not in usual_python()


@pytest.mark.skipif(not SEPARATING, reason="no isolation works here")
def test_it_is_logged_why_a_stronger_tier_was_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Landlock):
        name = "steel"

        def __init__(self) -> None:
            super().__init__(version=1)

    monkeypatch.setattr(isolation, "SEPARATING", (Broken(), *isolation.SEPARATING))
    chosen = tier_named(None)

    assert chosen.name == SEPARATING[0]
    [record] = [record for record in caplog.records if "steel" in record.getMessage()]
    assert "the kernel has Landlock 1, and 3 is needed" in record.getMessage()


_POOL = """
import multiprocessing
with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, 2]))
"""
_SHARED = """
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=9); block.close(); block.unlink()
"""
_SESSION = """
import os, signal, subprocess
child = subprocess.Popen(["sleep", "9"], start_new_session=True)
os.killpg(child.pid, signal.SIGKILL); print(child.wait())
"""
_NODE = "require('fs').writeFileSync(process.env.OUTPUTS + '/x', require('crypto').randomUUID())"


# What works on one tier works on all, or the first line of the log says what does not.
@pytest.mark.parametrize(
    ("program", "entrypoint", "code", "told"),
    [
        ("node", "node $ALGO", _NODE, ""),
        ("perl", "perl $ALGO", "use POSIX; use Digest::SHA qw(sha1_hex); print sha1_hex('x');", ""),
        ("openssl", "openssl dgst $ALGO", "x", ""),
        ("java", "java -Xmx64m -version", "", ""),
        ("sh", "python3 $ALGO", _POOL, "multiprocessing.Pool"),
        ("sh", "python3 $ALGO", _SHARED, "/dev/shm"),
        ("sh", "python3 $ALGO", _SESSION, "setsid"),
        ("sh", "ls /data/outputs", "", "/data"),
        ("sh", "python3 $ALGO", "import os; os.memfd_create('x')", "memfd_create"),
        ("sh", "python3 $ALGO", "import ctypes\n"
         "assert ctypes.CDLL(None).shmget(0, 4096, 0o600) >= 0", "System V"),
    ],
    ids=["node", "perl", "openssl", "java", "Pool", "shared memory", "session", "/data", "memfd",
         "shmget"],
)  # fmt: skip
def test_what_an_ordinary_algorithm_needs_is_there_or_the_first_line_says_so(
    runner: LocalRunner, tmp_path: Path, program: str, entrypoint: str, code: str, told: str
) -> None:
    if shutil.which(program, path="/usr/bin:/bin") is None:
        pytest.skip(f"{program} is not installed here")
    job = prepare(tmp_path / "job", code, Limits(), entrypoint=entrypoint)
    runner.submit(job)
    outcome = finish(runner, "job")
    runner.collect("job")
    log = (job.folder / "control" / "algorithm.log").read_text(errors="replace")
    works = outcome == RunOutcome("exited", 0)

    assert works or (told and told in log.splitlines()[0]), log


_OF_THE_SYSTEM = (
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/etc/ssl/certs",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
)


# Programs give up where they find such a file and may not read it.
def test_what_libraries_read_of_the_machine_can_be_read(run: Run) -> None:
    there = [name for name in _OF_THE_SYSTEM if Path(name).exists()]
    code = f"""
import os
for name in {there!r}:
    (os.listdir if os.path.isdir(name) else open)(name)
    print(name)
"""
    outcome, log, _ = run(code)

    assert outcome == RunOutcome("exited", 0), log
    assert [line for line in log.splitlines() if line.startswith("/etc/")] == there


@pytest.mark.skipif(find_groups() is None, reason="no control group can be made here")
def test_a_control_group_counts_what_is_in_no_process_and_is_gone_with_the_job(
    tmp_path: Path,
) -> None:
    groups = find_groups()
    assert groups is not None
    code = (
        "import os\nprint(open('/proc/self/cgroup').read(), flush=True)\n"
        "file = os.memfd_create('x')\nfor _ in range(10): os.write(file, bytes(10**7))"
    )
    runner = LocalRunner(tmp_path / "tools", isolation="limits")
    job = prepare(tmp_path / "job", code, Limits(memory_bytes=5 * 10**7))
    runner.submit(job)
    outcome = finish(runner, "job")
    runner.collect("job")
    log = (job.folder / "control" / "algorithm.log").read_text()
    names = set(re.findall(r"ocean-localnet-\d+|run-\S+\.scope", log))

    assert outcome.reason == "memory"
    assert len(names) == 1, log
    assert not [
        name for name in names for top in groups.parents.values() if Path(top, name).exists()
    ]
