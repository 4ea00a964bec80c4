"""`ocean-compute` at an Ocean Node: a URL and a file are enough, and every failure has its status.

The node is made of recorded answers (`tests/fake_node.py`), but for what runs on the embedded one.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_node import FakeNode, files_of, recorded
from tests.integration.cli_driver import DEADLINE_S, CommandLine, read_json_document
from tests.vectors import nodes
from tests.wire import Exchange, WireServer, as_json, html, silence, wait_until

DATA = "http://files.example/table.csv?token=hush"
NOBODY = "http://127.0.0.1:9"
FRAMES = next(
    nodes.body_of(one) for one in nodes.load("13") if (one.get("response") or {}).get("chunks")
)
COUNT = """
import os
rows = sum(1 for line in open("/data/inputs/table.csv"))
print("counted", rows)
open("/data/outputs/count.txt", "w").write(f"{os.environ['NAME']} {rows}")
"""
SLOW = """
import time
for number in range(600):
    print("tick", number, flush=True)
    time.sleep(0.1)
"""
DID = "did:op:" + "12" * 20


@pytest.fixture
def node() -> Iterator[FakeNode]:
    states = [recorded("10", 10), recorded("10", 40), recorded("10", 71)]
    with FakeNode(states=states, log=FRAMES) as running:
        yield running


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """A command line of somebody without config and wallet, in a folder with an algorithm."""
    (tmp_path / "algorithm.py").write_text("print(1)\n")
    return CommandLine(tmp_path, {}, ["hush"])


def wallet_of(line: CommandLine) -> dict[str, str]:
    path = line.folder / "data-home" / "ocean-compute" / "free-wallet.json"
    assert path.stat().st_mode & 0o777 == 0o600
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def started_body(node: FakeNode) -> Any:
    return [r.json() for r in node.server.requests if r.method == "POST"][-1]


def test_the_first_job_needs_a_url_and_a_file_and_nothing_else(
    line: CommandLine, node: FakeNode
) -> None:
    said = line.run("run", "algorithm.py", "--data", DATA, "--node", node.url, "--out", "out")

    wallet = wallet_of(line)
    line.secrets.append(wallet["private_key"][2:])
    line.checked(said)
    told = said.err.splitlines()
    path = line.folder / "data-home" / "ocean-compute" / "free-wallet.json"
    assert told[0] == f"Made a wallet for free jobs, for you alone to read: {path}"
    job_id = f"{node.cluster}-{1:064x}"
    assert told[1] == f"Started job {job_id} of {wallet['address']}."
    assert told[2:6] == [
        *("running: Pulling algorithm image", "running: Running algorithm", "tick 0", "tick 1")
    ]
    assert told[-1] == "finished: Job settling, exit code 0"
    assert said.out.splitlines() == [
        *(f"job id       {job_id}", "state        finished", "status       Job settling"),
        *(f"environment  {node.environments[0]['id']}", "algorithm    exit code 0"),
        *("out/result.json", "out/image.log", "out/configuration.log", "out/algorithm.log"),
    ]
    assert json.loads((line.folder / "out" / "result.json").read_text())["total"] == 42
    assert [what for what in node.asked if what != "GET compute"] == [
        *("GET /", "GET computeEnvironments", "GET nonce", "POST freeCompute"),
        *("GET computeStreamableLogs", *(["GET computeResult"] * 4)),
    ]
    assert node.asked.count("GET compute") == 3  # the states that this node goes through
    body = started_body(node)
    assert body["consumerAddress"] == wallet["address"]
    assert body["datasets"] == [{"fileObject": {"type": "url", "url": DATA, "method": "GET"}}]
    meta = body["algorithm"]["meta"]
    assert (meta["rawcode"], meta["language"]) == ("print(1)\n", "python")
    assert meta["container"]["image"] == "python"
    assert meta["container"]["tag"] == "3.11-slim"
    assert meta["container"]["entrypoint"] == "python3 $ALGO"

    again = line.run("run", "algorithm.py", "--data", DATA, "--node", node.url, "--out", "out")
    assert "Made a wallet" not in again.err
    assert wallet_of(line) == wallet


def test_everything_that_a_node_offers_can_be_asked_for(line: CommandLine, node: FakeNode) -> None:
    environment = node.environments[0]["id"]
    (line.folder / "count.R").write_text("print(1)\n")
    line.environment["LANG_OF"] = "en"
    told = line.json(
        *("run", "count.R", "--data", "ipfs://QmHash", "--data", "ar://tx", "--node", node.url),
        *("--environment", environment, "--cpu", "1", "--ram", "0.5", "--disk", "1", "--gpu", "0"),
        *(
            "--resource",
            "fpga=2",
            "--max-duration",
            "60",
            "--env",
            "MODE=fast=1",
            "--env",
            "LANG_OF",
            "--metadata",
            "note=ours",
        ),
        *("--image", "rocker/r-ver:4.4", "--out", "out"),
    )

    body = started_body(node)
    assert told["state"] == "finished"
    assert told["succeeded"] is True
    assert told["environment"] == environment
    assert told["metadata"]["note"] == "ours"
    assert told["files"][0] == "out/result.json"
    assert body["environment"] == environment
    assert body["resources"] == [
        *({"id": "cpu", "amount": 1}, {"id": "ram", "amount": 0.5}),
        *({"id": "disk", "amount": 1}, {"id": "gpu", "amount": 0}),
        {"id": "fpga", "amount": 2},
    ]
    assert body["maxJobDuration"] == 60
    assert body["metadata"]["note"] == "ours"
    assert body["algorithm"]["envs"] == {"MODE": "fast=1", "LANG_OF": "en"}
    assert body["algorithm"]["meta"]["container"]["image"] == "rocker/r-ver"
    assert body["algorithm"]["meta"]["container"]["entrypoint"] == "Rscript $ALGO"
    assert [one["fileObject"]["type"] for one in body["datasets"]] == ["ipfs", "arweave"]


def test_a_job_file_is_all_that_the_other_commands_need(line: CommandLine, node: FakeNode) -> None:
    file = ("--job-file", "job.json")
    started = line.json("start", DATA, "--code", "algorithm.py", "--node", node.url, *file)
    assert line.json("status", *file)["state"] == "running"
    assert line.json("wait", *file, "--poll-interval", "0.1")["succeeded"] is True
    assert line.json("download", *file, "--to", "out")["files"][0] == "out/result.json"
    assert line.json("logs", *file)["logs"].endswith("total 42\n")
    assert line.run("logs", *file, "--tail", "1").out == "total 42\n"
    files = line.json("result", *file)["files"]
    assert [each["name"] for each in files if not each["is_log"]] == ["outputs.tar"]
    assert json.loads(line.run("result", *file, "--open", "result.json").out)["total"] == 42
    ended = line.json("stop", *file)
    assert ended.err.endswith("has ended already; nothing was sent.\n")
    refused = line.json("delete", *file, code=5)["error"]
    assert refused["type"] == "NotOffered"
    assert "An Ocean Node does not offer that: it deletes no jobs" in refused["message"]
    [listed] = line.json("jobs", "--node", node.url)["jobs"]
    assert listed["job_id"] == started["job_id"]
    assert listed["environment"] == started["environment"] == node.environments[0]["id"]
    assert listed["metadata"] == started_body(node)["metadata"]
    by_id = line.json("status", started["job_id"], "--node", node.url)
    assert by_id["job_id"] == started["job_id"]


def test_a_job_file_that_another_wallet_wrote_gets_no_signature(
    line: CommandLine, node: FakeNode
) -> None:
    line.run("start", DATA, "--code", "algorithm.py", "--node", node.url, "--job-file", "job.json")
    path = line.folder / "job.json"
    kept = json.loads(path.read_text())
    with FakeNode() as other:
        path.write_text(json.dumps({**kept, "node": other.url}))
        refused = line.json("logs", "--job-file", "job.json", code=2)
        assert "this wallet did not write that" in refused["error"]["message"]
        assert "--node" in refused["error"]["message"]
        assert other.asked == []
        assert line.run("status", "--job-file", "job.json", code=7)  # unsigned, so it may be asked
        assert other.asked


def test_a_job_that_is_lost_sight_of_is_named(line: CommandLine, node: FakeNode) -> None:
    refusal = as_json("Missing consumerAddress", 400)
    node.faults["GET", "compute"] = [refusal, refusal]

    lost = line.run("run", "algorithm.py", "--data", DATA, "--node", node.url, "--json", code=5)

    job_id = f"{node.cluster}-{1:064x}"
    assert "The log cannot be shown: Could not " in lost.err
    assert (lost["error"]["job_id"], lost["error"]["did"]) == (job_id, "")
    assert lost["error"]["message"].endswith(
        f"Job {job_id} was started and may go on. Wait for it: ocean-compute wait {job_id} "
        f"--node {node.url}"
    )


def test_a_crash_is_a_failure_whose_log_comes_home(line: CommandLine) -> None:
    with FakeNode(states=[recorded("15", 71)], files=files_of("15")) as node:
        said = line.run(
            *("run", "algorithm.py", "--data", DATA, "--node", node.url, "--out", "out"), code=3
        )

    assert re.search(r"^state +failed$", said.out, re.MULTILINE)
    assert re.search(r"^algorithm +exit code 3$", said.out, re.MULTILINE)
    assert "out/algorithm.log" in said.out
    assert "failed: " in said.err


def test_data_that_the_node_cannot_fetch_is_a_failure_without_a_log(line: CommandLine) -> None:
    with FakeNode(states=[recorded("25", 31)], files=files_of("25")) as node:
        said = line.json(
            *("run", "algorithm.py", "--data", DATA, "--node", node.url, "--out", "out"), code=3
        )

    assert (said["state"], said["code"], said["succeeded"]) == ("failed", 31, False)
    assert (said["exit_code"], said["failures"]) == (None, {})
    assert "out/configuration.log" in said["files"]
    assert "cannot be shown" not in said.err


def test_a_failed_job_need_not_have_left_anything(line: CommandLine) -> None:
    with FakeNode(states=[recorded("25", 31) | {"results": []}], files={}) as node:
        said = line.json("run", "algorithm.py", "--data", DATA, "--node", node.url, code=3)

    assert (said["folder"], said["files"], said["failures"]) == (None, [], {})


def test_results_that_do_not_come_home_are_an_error_of_their_own(line: CommandLine) -> None:
    with FakeNode(states=[recorded("10", 71)], files={}) as node:
        command = ("run", "algorithm.py", "--data", DATA, "--node", node.url, "--out", "out")
        said = line.json(*command, code=1)
        shown = line.run(*command, code=1)

    assert said["succeeded"] is True
    assert said["files"] == []
    assert "the node's answer is empty" in str(said["failures"])
    assert "Error: results could not be downloaded: " in shown.err


def test_a_log_is_followed_while_the_job_runs(line: CommandLine, node: FakeNode) -> None:
    file = ("--job-file", "job.json")
    line.run("start", DATA, "--code", "algorithm.py", "--node", node.url, *file)
    job = node.jobs[f"{1:064x}"]
    job.states = [recorded("10", 40)]

    def half(exchange: Exchange) -> None:
        piece = FRAMES[:100]
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        silence(exchange)

    node.faults["GET", "computeStreamableLogs"] = [half]
    following = line.started("logs", "-f", *file)
    assert following.stdout is not None
    assert following.stdout.readline() == "tick 0\n"
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=DEADLINE_S)
    assert following.returncode == 130
    assert err.splitlines()[-1].startswith(f"Stopped following. Job {node.cluster}-{1:064x} goes")
    assert err.splitlines()[-1].endswith("Stop it: ocean-compute stop --job-file job.json")

    job.states = [recorded("10", 40), recorded("10", 71)]
    assert line.run("logs", "--follow", *file).out.splitlines()[:2] == ["tick 0", "tick 1"]
    assert "total 42\n" in line.json("logs", "-f", *file)["logs"]
    assert "leave --tail" in line.run("logs", "-f", "--tail", "3", *file, code=2).err


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(
    line: CommandLine, node: FakeNode
) -> None:
    node.states = [recorded("10", 10)]
    running = line.started("run", "algorithm.py", "--data", DATA, "--node", node.url)
    assert running.stderr is not None
    assert running.stderr.readline().startswith("Made a wallet")
    assert running.stderr.readline().startswith("Started job")
    assert running.stderr.readline().startswith("running: ")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=DEADLINE_S)

    assert (running.returncode, out) == (130, "")
    place = f"{node.cluster}-{1:064x} --node {node.url}"
    assert err == (
        f"Stopped watching. Job {node.cluster}-{1:064x} goes on. Wait for it again: "
        f"ocean-compute wait {place}. Stop it: ocean-compute stop {place}\n"
    )
    assert "PUT compute" not in node.asked
    line.run("stop", *place.split())
    assert "PUT compute" in node.asked


def test_ctrl_c_during_the_start_says_that_it_may_have_arrived(
    line: CommandLine, node: FakeNode
) -> None:
    node.faults["POST", "freeCompute"] = [silence]
    running = line.started("run", "algorithm.py", "--data", DATA, "--node", node.url)
    wait_until(lambda: "POST freeCompute" in node.asked, DEADLINE_S)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=DEADLINE_S)

    assert running.returncode == 130
    assert err.splitlines()[-1] == (
        f"Interrupted. The job may have started: `ocean-compute jobs --node {node.url}` tells."
    )


def test_two_runs_at_once_make_one_wallet(line: CommandLine, node: FakeNode) -> None:
    with FakeNode() as other:
        both = [
            line.started("run", "algorithm.py", "--data", DATA, "--node", url, "--json")
            for url in (node.url, other.url)
        ]
        ended = [process.communicate(timeout=DEADLINE_S) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    owners = {json.loads(out)["owner"] for out, _ in ended}
    assert owners == {wallet_of(line)["address"]}
    assert sum("Made a wallet" in err for _, err in ended) == 1


def test_environments_are_listed(line: CommandLine, node: FakeNode) -> None:
    node.environments[0]["queuedFreeJobs"] = 2
    table = line.run("environments", "--node", node.url).out.splitlines()
    listed = line.json("environments", "--node", node.url)["environments"]

    assert table[0].split()[:3] == ["ENVIRONMENT", "COSTS", "OPEN"]
    assert [row.split()[0] for row in table[1:]] == [one["id"] for one in listed]
    for words in ("free", "all", "linux/x86_64", "cpu 1 to 1 (0 in use)", "10 to 600", "0 of 3"):
        assert words in table[1]
    assert table[1].rstrip().endswith(" 2")
    assert "some wallets" in table[3]
    token = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert f"cpu 1 a minute, in {token} on chain 8996" in table[2]
    assert listed[0]["is_free"] is True
    assert listed[0]["resources"]["cpu"]["max"] == 1
    assert listed[1]["prices"][0]["per_minute"] == {"cpu": 1.0}
    assert [r.headers.get("authorization") for r in node.server.requests] == [None] * 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--cpu", "99"), 5, "`ocean-compute environments` lists what there is"),
        (("--max-duration", "99999"), 5, "No free environment of the node fits"),
        (("--environment", "0x12-0x34"), 5, "`ocean-compute environments` lists what there is"),
        (("--cpu", "-1"), 2, "'--cpu': it must be a number from 0 on"),
        (("--ram", "much"), 2, "'--ram': it must be a number"),
        (("--max-duration", "0"), 2, "--max-duration"),
        (("--resource", "fpga=much"), 2, "'--resource': it must be a number"),
        (("--env", "hush"), 2, "'--env': it must be NAME=VALUE"),
        (("--metadata", "=hush"), 2, "'--metadata': it must be NAME=VALUE"),
        (("--metadata", "a=" + "x" * 1100), 2, "metadata has"),
        (("--data", "algorithm.py"), 2, "algorithm.py is of this machine, which only the"),
        (("--data", "gone.csv"), 2, "'--data': it must be a file's URL"),
        (("--data", "ftp://files.example/x?hush"), 2, "'--data': it must be a file's URL"),
        (("--data", ""), 2, "'--data': it is empty"),
        (("--order", "0x" + "12" * 32), 2, "more --order than data sets"),
        (("--image", "python"), 2, "needs a tag"),
        (("--entrypoint", "python3 run.py"), 2, "does not name the algorithm"),
        (("--out", "algorithm.py"), 2, "'--out'"),
        (("--job-file", "gone/job.json"), 2, "does not exist"),
        (("--provider", NOBODY), 2, "Give --node or --provider, not both"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_is_told_and_starts_nothing(
    line: CommandLine, node: FakeNode, arguments: tuple[str, ...], code: int, said: str
) -> None:
    command = ("run", "algorithm.py", "--data", DATA, "--node", node.url, *arguments)

    assert said in line.json(*command, code=code)["error"]["message"]
    assert node.jobs == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.py", "--data", DATA), "'ALGORITHM': it must be a file of code"),
        (("notes.txt", "--data", DATA), "No image and entry point are known for notes.txt"),
        (("empty.py", "--data", DATA), "The algorithm's file is empty"),
        (("algorithm.py",), "--environment, for a job at an Ocean Node without any"),
        ((DID, "--data", DATA, "--image", "a:1"), "--image can only go with code of your own"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_an_algorithm_that_cannot_run_is_told_before_anybody_is_asked(
    line: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    (line.folder / "notes.txt").write_text("x")
    (line.folder / "empty.py").write_text(" \n")

    refused = line.json("run", *arguments, "--node", NOBODY, code=2)

    assert said in refused["error"]["message"]


def test_a_server_that_is_no_node_or_does_not_answer_is_told(line: CommandLine) -> None:
    ask = ("environments", "--node")
    job = ("run", "algorithm.py", "--data", DATA, "--node")

    assert line.json(*ask, NOBODY, code=6)["error"]["reason"] == "unreachable"
    assert line.json(*job, NOBODY, code=6)["error"]["reason"] == "unreachable"
    assert "'--node'" in line.json(*ask, "nonsense", code=2)["error"]["message"]
    with WireServer(lambda _: html(200)) as page:
        line.json(*ask, page.url, code=1)
    with WireServer(lambda _: as_json({"serviceEndpoints": {"hello": ["GET", "/x"]}})) as other:
        said = line.json(*job, other.url, code=6)["error"]["message"]
        assert "is not a back end that this version speaks to" in said


def test_a_node_without_free_environments_starts_nothing(line: CommandLine, node: FakeNode) -> None:
    for one in node.environments:
        one.pop("free", None)

    refused = line.json("run", "algorithm.py", "--data", DATA, "--node", node.url, code=5)

    assert "Its free environments: none" in refused["error"]["message"]
    assert node.jobs == {}


def test_a_start_whose_answer_is_lost_has_its_status(line: CommandLine, node: FakeNode) -> None:
    def nothing(exchange: Exchange) -> None:
        exchange.keep_alive = False

    node.faults["POST", "freeCompute"] = [nothing]
    lost = line.json("run", "algorithm.py", "--data", DATA, "--node", node.url, code=8)

    key = re.search(r"jobs --json` and find (\w+) (\w+) in a job's metadata", str(lost.json))
    assert key is not None
    assert started_body(node)["metadata"][key[1]] == key[2]
    assert node.asked.count("POST freeCompute") == 1


def test_a_check_says_what_is_in_the_way_at_a_node(line: CommandLine, node: FakeNode) -> None:
    job = ("check", DATA, "--code", "algorithm.py", "--node", node.url)
    job += ("--address", nodes.CONSUMER)

    refused = line.json(*job, "--environment", "0x12-0x34", code=5)["findings"]
    warned = line.json(*job, "--entrypoint", "python3 $ALGO | tee log")["findings"]

    assert "environment-unavailable" in [finding["code"] for finding in refused]
    assert "`ocean-compute environments` lists what there is." in [
        finding["how_to_mend"] for finding in refused
    ]
    assert "entrypoint-needs-shell" in [finding["code"] for finding in warned]
    assert node.jobs == {}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A node that `ocean-compute localnet` runs, as it describes itself."""
    line = CommandLine(tmp_path_factory.mktemp("net"), {})
    running = line.started("localnet", "--generation", "node", "--state", "net", "--json")
    assert running.stdout is not None
    try:
        described: dict[str, Any] = read_json_document(running.stdout)
        yield described
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=DEADLINE_S)


@pytest.fixture
def job(line: CommandLine, embedded: dict[str, Any]) -> tuple[str, ...]:
    """The data of a job on the embedded network, which the command line's config names."""
    line.environment["CONFIG_FILE"] = embedded["config_file"]
    (line.folder / "table.csv").write_text("a,b\n1,2\n3,4\n")
    return ("--data", "table.csv")


def test_a_job_really_runs_on_the_embedded_network(
    line: CommandLine, job: tuple[str, ...], embedded: dict[str, Any]
) -> None:
    (line.folder / "count.py").write_text(COUNT)
    (line.folder / "count.sh").write_text(
        "wc -l /data/inputs/table.csv | tee /data/outputs/n.txt\n"
    )

    said = line.run("run", "count.py", *job, "--out", "out", "--env", "NAME=Ada", "--cpu", "1")
    shell = line.json("run", "count.sh", *job, "--out", "shell", "--job-file", "job.json")

    assert (line.folder / "out" / "count.txt").read_text() == "Ada 3"
    assert "counted 3\n" in said.err
    assert said.out.splitlines()[-4] == "out/count.txt"
    assert (line.folder / "shell" / "n.txt").read_text().startswith("3 ")
    assert (shell["state"], shell["succeeded"], shell["exit_code"]) == ("finished", True, 0)
    elsewhere = {"CONFIG_FILE": ""}  # the job file says where
    assert line.run("logs", "--job-file", "job.json", **elsewhere).out.startswith("3 ")
    listed = line.json("jobs", "--node", embedded["provider_url"], **elsewhere)["jobs"]
    assert listed[0]["job_id"] == shell["job_id"]


def test_a_job_is_followed_interrupted_and_stopped(line: CommandLine, job: tuple[str, ...]) -> None:
    (line.folder / "slow.py").write_text(SLOW)
    running = line.started("run", "slow.py", *job, "--job-file", "job.json")
    assert running.stderr is not None
    for told in running.stderr:
        if told == "tick 1\n":
            break
    running.send_signal(signal.SIGINT)
    assert "Stopped watching." in running.communicate(timeout=DEADLINE_S)[1]
    assert running.returncode == 130

    following = line.started("logs", "-f", "--job-file", "job.json")
    assert following.stdout is not None
    assert following.stdout.readline() == "tick 0\n"
    stopped = line.json("stop", "--wait", "--job-file", "job.json")
    assert (stopped["state"], stopped["is_finished"]) == ("stopped", True)
    assert following.stdout.read().startswith("tick 1\ntick 2\n")
    following.communicate(timeout=DEADLINE_S)
    assert following.returncode == 0
    assert line.json("wait", "--job-file", "job.json", code=3)["state"] == "stopped"
