"""Algorithms in containers of their own image, on a real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.jobs.view import JobState
from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.runners import CannotRun, Limits, RunnerJob, RunOutcome
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.file_input import FileInput
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean import Ocean
from tests import container_engine, flows
from tests.container_engine import IMAGE, PACKAGE

pytest.importorskip("docker")
pytestmark = pytest.mark.skipif(
    bool(container_engine.why_none()), reason=container_engine.why_none() or "there is one"
)

from ocean_lib.localnet.dialects.v3.jobs import V3Layout  # noqa: E402
from ocean_lib.localnet.runners.containers.engine import Engine  # noqa: E402
from ocean_lib.localnet.runners.containers.keeper import JOB, NETWORK  # noqa: E402
from ocean_lib.localnet.runners.containers.runner import ContainerRunner  # noqa: E402
from ocean_lib.localnet.runners.named import RunnerUnusable  # noqa: E402

ROOT = Path(__file__).parents[3]
UNTIL_TOLD = """
import os, time
print('running', flush=True)
while not os.path.exists('/data/outputs/go'): time.sleep(0.05)
"""
Make = Callable[..., RunnerJob]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with container_engine.short_folder() as folder, container_engine.engine(folder) as found:
        yield found


@pytest.fixture
def runner(url: str, tmp_path: Path) -> Iterator[ContainerRunner]:
    runner = ContainerRunner(Engine(url), tmp_path / "state", grace_s=0)
    yield runner
    runner.close()


@pytest.fixture
def job(runner: ContainerRunner, tmp_path: Path) -> Make:
    def make(code: str, limits: Limits | None = None, **options: Any) -> RunnerJob:
        folder = tmp_path / "state" / "jobs" / f"job{time.monotonic_ns()}"
        for name in ("inputs", "outputs", "logs", "transformations", "ddos", "tmp"):
            (folder / "data" / name).mkdir(parents=True)
        (folder / "data" / "transformations" / "algorithm").write_text(code)
        (folder / "data" / "inputs" / "file").write_text("1,2\n")
        made = RunnerJob(
            folder.name, folder, "python3 $ALGO", runner.pull(IMAGE, lambda: False),
            limits or Limits(), folder_variables=V3Layout().folder_variables(),
        )  # fmt: skip
        return replace(made, **options)

    return make


def finish(runner: ContainerRunner, job: RunnerJob) -> RunOutcome:
    deadline = time.monotonic() + 90
    while (outcome := runner.poll(job.job_id)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return outcome


def log_of(job: RunnerJob) -> str:
    return (job.folder / "control" / "algorithm.log").read_text(errors="replace")


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def containers(url: str, name: str = JOB) -> list[dict[str, Any]]:
    api = container_engine.client(url)
    found: list[dict[str, Any]] = api.containers(all=True, filters={"label": name})
    api.close()
    return found


def test_an_algorithm_uses_its_images_own_packages(runner: ContainerRunner, job: Make) -> None:
    code = f"import os, {PACKAGE} as its\nopen(os.environ['OUTPUTS'] + '/x', 'w').write('done')\n"
    with pytest.raises(ModuleNotFoundError):
        __import__(PACKAGE)
    one = job(f"{code}print(its.answer)\nraise SystemExit(3)")
    runner.submit(one)

    assert finish(runner, one) == RunOutcome("exited", 3)
    assert [str(path) for path in runner.collect(one.job_id)] == ["x"]
    first, second, third, printed = log_of(one).splitlines()
    assert f"job {one.job_id}, isolation: container (" in first
    assert "seccomp" in first
    assert second == f"[localnet] image {one.image}"
    assert one.image.startswith("sha256:")
    assert "/data, without a network, as user " in third
    assert printed == "42"


def test_a_container_has_no_rights_and_can_write_to_its_outputs_only(
    runner: ContainerRunner, job: Make
) -> None:
    one = job("""
import json, os, socket
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def can(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
places = ["/x", "/etc/x", "/data/x", "/data/inputs/x", "/data/inputs/file", "/data/ddos/x",
          "/data/transformations/algorithm", "/usr/local/lib/x", "/data/outputs/x", "/tmp/x"]
found = {key: status[key].strip() for key in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")}
found |= {"can": [path for path in places if can(path)], "uid": os.getuid()}
found |= {"networks": sorted(os.listdir("/sys/class/net")), "processes": len(
    [name for name in os.listdir("/proc") if name.isdigit()])}
json.dump(found, open("/data/outputs/found.json", "w"))
""")
    runner.submit(one)
    finish(runner, one)
    runner.collect(one.job_id)

    found = json.loads((one.folder / "data" / "outputs" / "found.json").read_text())
    assert found.pop("uid") == (1000 if os.getuid() == 0 else os.getuid())
    assert found.pop("processes") <= 2  # the shell and Python
    assert found == {
        "CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2",
        "can": ["/data/outputs/x", "/tmp/x"], "networks": ["lo"],
    }  # fmt: skip


def test_an_algorithm_that_may_use_a_network_gets_the_one_that_is_named(
    url: str, tmp_path: Path, job: Make
) -> None:
    runner = ContainerRunner(Engine(url), tmp_path / "other", network="host", grace_s=0)
    one = job("import os; print(sorted(os.listdir('/sys/class/net')))", allow_network=True)
    runner.submit(one)
    finish(runner, one)
    runner.collect(one.job_id)
    runner.close()

    assert str(sorted(path.name for path in Path("/sys/class/net").iterdir())) in log_of(one)
    assert "with the network 'host'" in log_of(one)


@pytest.mark.parametrize(
    ("code", "limits", "expected"),
    [
        ("kept = []\nwhile True: kept.append(bytearray(2**24))",
         Limits(memory_bytes=64 * 2**20), RunOutcome("memory", 137, "more than 67108864 bytes")),
        ("import time; time.sleep(60)",
         Limits(wall_s=0.5), RunOutcome("wall_time", 137, "more than 0.5 s")),
        ("while True: pass", Limits(cpu_s=1), RunOutcome("cpu_time", 137, "more than 1 s")),
        ("import os, time\nfor n in range(9): open(f'/data/outputs/{n}', 'wb').write(bytes(2**20))"
         "\ntime.sleep(60)",
         Limits(output_bytes=4 * 2**20),
         RunOutcome("output_size", 137, "more than 4194304 bytes")),
        ("import os, time\nfor _ in range(30):\n    if os.fork() == 0: break\ntime.sleep(60)",
         Limits(processes=20), RunOutcome("processes", 137, "more than 20")),
    ],
    ids=["memory", "time", "CPU", "disk", "processes"],
)  # fmt: skip
def test_a_limit_ends_the_job_and_says_which(
    runner: ContainerRunner, job: Make, code: str, limits: Limits, expected: RunOutcome
) -> None:
    one = job(code, limits)
    runner.submit(one)
    outcome = finish(runner, one)
    runner.collect(one.job_id)

    assert outcome in (expected, replace(expected, exit_code=-9), replace(expected, exit_code=152))


def test_a_stop_ends_a_container_that_ignores_signals(
    url: str, runner: ContainerRunner, job: Make
) -> None:
    one = job(
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
        "open('/data/outputs/ready', 'w').close()\ntime.sleep(300)"
    )
    runner.submit(one)
    wait_for((one.folder / "data" / "outputs" / "ready").exists)
    asked = time.monotonic()
    runner.stop(one.job_id)
    outcome = finish(runner, one)
    runner.collect(one.job_id)

    assert time.monotonic() - asked < 60  # with a grace of Docker's own it would be longer
    assert outcome == RunOutcome("stopped", 137)
    assert containers(url) == []


def test_the_log_is_in_the_engines_frames_where_the_dialect_wants_them(
    runner: ContainerRunner, job: Make
) -> None:
    code = "import os; os.write(1, b'out\\n'); os.write(2, b'error\\n'); print(os.getcwd())"
    one = job(code, like_docker=True, notes_log="image.log", variables={"MINE": "1"})
    runner.submit(one)
    assert finish(runner, one) == RunOutcome("exited", 0)
    runner.collect(one.job_id)

    log = (one.folder / "control" / "algorithm.log").read_bytes()
    assert sorted(log.split(b"\n")) == sorted(
        [b"\1\0\0\0\0\0\0\4out", b"\2\0\0\0\0\0\0\6error", b"\1\0\0\0\0\0\0\2/", b""]
    )
    assert "isolation: container" in (one.folder / "control" / "image.log").read_text()


def test_a_program_that_the_image_does_not_have_is_named(
    url: str, runner: ContainerRunner, job: Make
) -> None:
    one = job("", entrypoint="nosuchprogram $ALGO", like_docker=True)
    with pytest.raises(CannotRun, match=r'^exec: "nosuchprogram": executable file not found in'):
        runner.submit(one)

    assert containers(url) == []


def test_an_image_that_nobody_has_is_named_with_what_to_do(url: str, tmp_path: Path) -> None:
    for pull, expected in (
        ("missing", r"image nobody/nothing:1 cannot be pulled: .*load it into the engine before"),
        ("never", r"no image nobody/nothing:1, and it is not pulled \(runner option pull=never\)"),
    ):
        runner = ContainerRunner(Engine(url), tmp_path / pull, pull=pull, grace_s=0)
        with pytest.raises(CannotRun, match=expected):
            runner.pull("nobody/nothing:1", lambda: False)
        runner.close()


def test_containers_of_a_network_that_is_killed_are_removed(url: str, tmp_path: Path) -> None:
    with killed_network(url, tmp_path / "state", grace_s=0) as labels:
        assert labels
    wait_for(lambda: not containers(url, labels))

    assert containers(url, labels) == []


class killed_network:  # noqa: N801
    """A network's process with a job that runs, killed with SIGKILL."""

    def __init__(self, url: str, state: Path, *, grace_s: int) -> None:
        self._arguments = [url, str(state), str(grace_s)]

    def __enter__(self) -> str:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NETWORK, *self._arguments], stdout=subprocess.PIPE,
            stdin=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.job_id = self._process.stdout.readline().strip()
        found = json.loads(Path(self._arguments[1], "containers.json").read_text())
        return f"{NETWORK}={found['network']}"

    def __exit__(self, *_: object) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.communicate()


_NETWORK = """
import sys, time
from pathlib import Path
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from tests.integration.localnet.test_containers import UNTIL_TOLD, submit_to_node
url, state, grace_s = sys.argv[1:]
network = LocalNetwork(state, generation="node", runner="docker", jobs_at_once=2,
                       runner_options={"engine": url, "grace_s": grace_s})
network.start()
job = submit_to_node(network, UNTIL_TOLD)
log = Path(state, "jobs", job.job_id.rpartition("-")[2], "control", "algorithm.log")
while not log.exists() or b"running" not in log.read_bytes():
    time.sleep(0.05)
print(job.job_id, flush=True)
time.sleep(60)
"""


def submit_to_node(network: LocalNetwork, code: str, image: str = IMAGE) -> ComputeJob:
    name, _, tag = image.partition(":")
    container = {"image": name, "tag": tag, "entrypoint": "python3 $ALGO"}
    meta = AlgorithmMetadata({"rawcode": code, "language": "python", "container": container})
    url = network.publish_file(b"1,2\n", "data.csv")
    compute = Ocean(network.config).compute
    return compute.submit([FileInput(url=url)], network.wallet(1), algorithm_meta=meta)


def test_a_network_that_was_killed_finds_its_job_again_and_brings_it_to_its_end(
    url: str, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    killed = killed_network(url, state, grace_s=600)
    with killed as label:
        (before,) = containers(url, label)
    assert [one["Id"] for one in containers(url, label)] == [before["Id"]]

    options = {"engine": url, "grace_s": "600"}
    with LocalNetwork(state, generation="node", runner="docker", runner_options=options) as network:
        (job,) = Ocean(network.config).compute.jobs(network.wallet(1))
        assert killed.job_id.endswith(job.job_id.rpartition("-")[2])
        (state / "jobs" / job.job_id.rpartition("-")[2] / "data" / "outputs" / "go").touch()
        assert job.wait(timeout=120).succeeded
        assert job.logs() == "running\n"
        assert containers(url, label) == []


def test_a_node_pulls_and_tells_of_its_failure(url: str) -> None:
    options = {"engine": url}
    with LocalNetwork(generation="node", isolation="container", runner_options=options) as network:
        good = submit_to_node(network, "print(open('/data/inputs/data.csv').read())")
        bad = submit_to_node(network, "pass", image="nobody/nothing:1")
        told = good.wait(timeout=120)
        failed = bad.wait(timeout=120)

        assert network.isolation == "container"
        assert told.succeeded
        assert good.logs() == "1,2\n\n"
        assert (failed.code, failed.text) == (11, "Pulling algorithm image failed")
        assert failed.state is JobState.FAILED
        (record,) = network._parts.services._engine._store.select(
            "", good.job_id.rpartition("-")[2]
        )
        assert record.image.startswith("sha256:")


def test_a_v3_job_runs_in_a_container(url: str) -> None:
    with LocalNetwork(runner="docker", runner_options={"engine": url}) as network:
        ocean, publisher, consumer = Ocean(network.config), network.wallet(0), network.wallet(1)
        asset = flows.publish_dataset(ocean, network, publisher, "1,2", raw=True)
        paid = flows.order(ocean, asset, "compute", publisher, consumer)
        code = (
            f"import {PACKAGE} as its\nopen('/data/outputs/a.json', 'w').write(f'[{{its.answer}}]')"
        )
        job = ocean.compute.submit([paid], consumer, algorithm_meta=flows.raw_code(code))
        status = job.wait(timeout=120)

        assert status.succeeded, job.logs()
        assert job.result_json() == [42]
        assert "isolation: container (" in job.logs()


def test_an_engine_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    options = {"engine": f"unix://{tmp_path}/none.sock"}
    with pytest.raises(LocalNetworkError, match=r"no container engine answers at unix:.*DOCKER_HO"):
        LocalNetwork(tmp_path / "state", runner="docker", runner_options=options).start()

    assert not (tmp_path / "state").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_a_user_who_may_not_use_the_engine_is_told_how_to(url: str) -> None:
    code = (
        "import os\nfrom ocean_lib.localnet.runners.containers.engine import *\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"try: Engine({url!r})\nexcept Exception as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert "may not use the container engine" in done.stdout, done.stderr
    assert "usermod -aG docker" in done.stdout


def test_errors_of_this_module_are_one_kind() -> None:
    with pytest.raises(RunnerUnusable):
        Engine("unix:///nowhere/at/all.sock")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pull": "often"}, r"pull: expected one of missing, always, never; got 'often'"),
        ({"grace_s": "-1"}, r"grace_s: expected whole seconds; got '-1'"),
        ({"socket": "x"}, r"'docker' has no option 'socket'; it has: engine, pull, network, gr"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    url: str, options: dict[str, str], expected: str
) -> None:
    with pytest.raises(LocalNetworkError, match=expected):
        LocalNetwork(runner="docker", runner_options={"engine": url, **options}).start()


def test_another_isolation_than_containers_is_refused_for_them(url: str) -> None:
    with pytest.raises(LocalNetworkError, match="'bwrap' is for processes of this machine"):
        LocalNetwork(runner="docker", isolation="bwrap", runner_options={"engine": url}).start()
