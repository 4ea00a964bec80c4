"""`ocean-compute` as a user runs it: the real program, on a network that it started itself."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli_driver import (
    DEADLINE_S,
    CommandLine,
    Said,
    read_json_document,
)

QUICK = """
import json, os
from pathlib import Path
rows = sum(1 for did in json.loads(os.environ["DIDS"])
           for file in (Path(os.environ["INPUTS"]) / did).iterdir()
           for line in file.open()) - 1
print("counted", rows)
(Path(os.environ["OUTPUTS"]) / "count.json").write_text(json.dumps({"rows": rows}))
"""
SLOW = "import time\nprint('resting', flush=True)\ntime.sleep(120)\n"
CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}
ABOUT = {"author": "a test", "license": "CC0-1.0"}
NOBODY = "http://127.0.0.1:9"
ELSEWHERE = "did:op:" + "12" * 20
RAW = ("--image", "python", "--tag", "3.11", "--entrypoint", "python3 $ALGO")


@pytest.fixture(scope="module")
def localnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A network that `ocean-compute localnet` runs, as it describes itself."""
    line = CommandLine(tmp_path_factory.mktemp("net"), {})
    running = line.started("localnet", "--state", "net", "--json")
    assert running.stdout is not None
    try:
        described: dict[str, Any] = read_json_document(running.stdout)
        yield described
    finally:
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=DEADLINE_S)
    assert (running.returncode, out, err) == (0, "", "The network is stopped.\n")


@pytest.fixture(scope="module")
def secrets(localnet: dict[str, Any]) -> list[str]:
    keys = json.loads(Path(localnet["keys_file"]).read_text())
    return [
        key[2:] for value in keys.values() for key in ([value] if isinstance(value, str) else value)
    ]


def _line(folder: Path, localnet: dict[str, Any], secrets: list[str], role: str) -> CommandLine:
    environment = {
        "CONFIG_FILE": localnet["config_file"],
        "OCEAN_KEYSTORE": localnet["wallets"][role]["keystore"],
        "OCEAN_WALLET_PASSWORD": localnet["wallet_password"],
    }
    return CommandLine(folder, environment, secrets)


@pytest.fixture(scope="module")
def publisher(
    localnet: dict[str, Any], secrets: list[str], tmp_path_factory: pytest.TempPathFactory
) -> CommandLine:
    """The publisher's command line."""
    return _line(tmp_path_factory.mktemp("publisher"), localnet, secrets, "publisher")


@pytest.fixture(scope="module")
def consumer(
    localnet: dict[str, Any], secrets: list[str], tmp_path_factory: pytest.TempPathFactory
) -> CommandLine:
    """The consumer's command line."""
    return _line(tmp_path_factory.mktemp("consumer"), localnet, secrets, "consumer")


@pytest.fixture(scope="module")
def algorithm(publisher: CommandLine) -> str:
    """A published algorithm that counts rows."""
    (publisher.folder / "count.py").write_text(QUICK)
    described = {**ABOUT, "name": "Count", "files": ["count.py"], "container": CONTAINER}
    (publisher.folder / "algorithm.json").write_text(json.dumps(described))
    return str(publisher.json("publish", "algorithm", "algorithm.json")["did"])


@pytest.fixture(scope="module")
def dataset(publisher: CommandLine, algorithm: str) -> str:
    """A published data set that trusts the algorithm, and takes raw code too."""
    (publisher.folder / "table.csv").write_text("a,b\n1,2\n3,4\n")
    (publisher.folder / "data.yaml").write_text(
        "name: Table\nauthor: a test\nlicense: CC0-1.0\nfiles: [table.csv]\nprice: 2\n"
        f"compute:\n  trusted_algorithms: ['{algorithm}']\n  allow_raw_algorithm: true\n"
    )
    said = publisher.json("publish", "dataset", "data.yaml")
    assert said["services"] == [{"index": 4, "type": "compute", "price": "2"}]
    return str(said["did"])


@pytest.fixture(scope="module")
def ordered(
    publisher: CommandLine, consumer: CommandLine, dataset: str, algorithm: str
) -> dict[str, Said]:
    """Both bought, after it was said that they are not."""
    address = consumer.json("wallet", "show")["address"]
    consumer.json("order", dataset, code=5)
    given = publisher.json("mint", dataset, "--to", address, "--amount", "2")
    assert given["balance"] == "2"
    publisher.json("mint", algorithm, "--to", address)
    assert consumer.json("wallet", "show", dataset)["tokens"] == {dataset: "2"}
    before = consumer.json("check", dataset, "--algorithm", algorithm, code=5)
    assert before["can_order"] is True
    assert {finding["code"] for finding in before["findings"]} == {"not-ordered"}
    return {did: consumer.json("order", did) for did in (dataset, algorithm)}


@pytest.fixture(scope="module")
def finished(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str, algorithm: str
) -> dict[str, Any]:
    """A job that did well, remembered in job.json."""
    job = ("--job-file", "job.json")
    assert consumer.json("check", dataset, "--algorithm", algorithm)["ok"] is True
    started = consumer.json("start", dataset, "--algorithm", algorithm, *job)
    assert started["order_tx"] == ordered[dataset]["order_tx"]
    ended = consumer.json("wait", *job, OCEAN_WALLET_PASSWORD="")  # nothing is signed
    assert (ended["job_id"], ended["state"]) == (started["job_id"], "finished")
    found: dict[str, Any] = started.json
    return found


def test_what_is_ordered_costs_nothing_more(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str, algorithm: str
) -> None:
    quoted = consumer.json("quote", dataset, "--algorithm", algorithm)
    bought = consumer.json("buy", algorithm, dataset)
    shown = consumer.run("quote", dataset, "--algorithm", algorithm).out

    assert (quoted["cost"], quoted["missing"]) == ({}, {})
    found = {order["did"]: order["order_tx"] for order in bought["orders"]}
    assert found == {did: said["order_tx"] for did, said in ordered.items()}
    assert "In all: nothing to pay." in shown


def test_what_cannot_be_paid_is_told_before(
    consumer: CommandLine, dataset: str, algorithm: str
) -> None:
    stranger = ("--address", "0x" + "9" * 40)

    quoted = consumer.json("quote", dataset, "--algorithm", algorithm, *stranger, code=5)

    (token,) = {o["data_token"] for o in quoted["orders"] if o["did"] == dataset}
    assert (quoted["cost"][token], quoted["missing"][token]) == ("2", "2")
    assert quoted["has_gas"] is False
    assert {order["order_tx"] for order in quoted["orders"]} == {""}


def test_the_order_says_what_was_paid(ordered: dict[str, Said], dataset: str) -> None:
    order = ordered[dataset]

    assert (order["amount"], order["service_type"], order["service_index"]) == ("2", "compute", 4)


def test_results_come_home(consumer: CommandLine, finished: dict[str, Any]) -> None:
    brought = consumer.json("download", "--job-file", "job.json", "--to", "out")

    assert brought["files"] == ["out/count.json", "out/algorithm.log"]
    assert json.loads((consumer.folder / "out" / "count.json").read_text()) == {"rows": 2}


def test_a_file_that_is_too_long_is_refused_in_the_command_lines_own_words(
    consumer: CommandLine, finished: dict[str, Any]
) -> None:
    limited = ("download", "--job-file", "job.json", "--to", "short", "--max-bytes", "1")

    assert "a larger --max-bytes" in consumer.run(*limited, code=1).err
    assert "a larger --max-bytes" in consumer.json(*limited, code=1)["error"]["message"]


def test_results_are_listed_and_read(consumer: CommandLine, finished: dict[str, Any]) -> None:
    job = ("--job-file", "job.json")

    assert consumer.json("result", *job)["files"] == [
        {"name": "count.json", "is_log": False},
        {"name": "algorithm.log", "is_log": True},
    ]
    assert consumer.run("result", *job, "--open", "count.json").out == '{"rows": 2}'
    opened = consumer.run("result", *job, "--open", "count.json", "--json")
    assert opened["json"] == {"rows": 2}
    assert "algorithm.log" in consumer.json("result", *job, "--open", "x", code=7).out


def test_the_log_is_printed(consumer: CommandLine, finished: dict[str, Any]) -> None:
    assert "counted 2\n" in consumer.run("logs", "--job-file", "job.json").out
    assert "counted 2\n" in consumer.json("logs", "--job-file", "job.json")["logs"]


def test_a_job_is_found_by_its_id_alone(
    consumer: CommandLine, finished: dict[str, Any], dataset: str
) -> None:
    said = consumer.json("status", finished["job_id"], "--address", finished["owner"])

    assert (said["did"], said["state"], said["is_finished"]) == (dataset, "finished", True)


def test_a_key_in_the_place_of_a_job_is_not_shown(
    consumer: CommandLine, secrets: list[str]
) -> None:
    assert "hex digits, not shown" in consumer.json("status", secrets[0], code=7).out


def test_jobs_are_listed(consumer: CommandLine, finished: dict[str, Any], dataset: str) -> None:
    listed = consumer.json("jobs", "--did", dataset, "--state", "finished")["jobs"]
    table = consumer.run("jobs").out.splitlines()

    assert finished["job_id"] in {job["job_id"] for job in listed}
    assert table[0].split() == ["JOB", "STATE", "CREATED", "DATA", "SET"]
    assert any(finished["job_id"] in row for row in table)


def test_a_job_that_has_ended_is_not_stopped(
    consumer: CommandLine, finished: dict[str, Any]
) -> None:
    said = consumer.json("stop", "--job-file", "job.json")

    assert said["state"] == "finished"
    assert said.err.endswith("has ended already; nothing was sent.\n")
    assert consumer.json("status", "--job-file", "job.json")["state"] == "finished"


def test_a_crashed_algorithm_is_a_failure(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str
) -> None:
    (consumer.folder / "crash.py").write_text("raise SystemExit(9)\n")
    job = ("--job-file", "crash.json")
    consumer.json("start", dataset, "--code", "crash.py", *RAW, *job)

    ended = consumer.json("wait", *job, code=3)
    shown = consumer.run("wait", *job, code=3)

    assert (ended["state"], ended["succeeded"]) == ("failed", False)
    assert (ended["exit_code"], ended["oom_killed"]) == (9, False)
    assert "exit code 9" in shown.out
    assert "exit code 9" in shown.err


def test_a_whole_job_is_one_command_at_a_v3_provider_too(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str, algorithm: str
) -> None:
    (consumer.folder / "count.py").write_text(QUICK)
    (consumer.folder / "count.sh").write_text("wc -l $INPUTS/*/* | tee $OUTPUTS/lines.txt\n")
    (consumer.folder / "crash.py").write_text("raise SystemExit(9)\n")
    data, job = ("--data", dataset), ("--job-file", "ran.json")

    ran = consumer.json("run", algorithm, *data, "--out", "ran", *job)
    own = consumer.run("run", "count.py", *data, "--out", "own")
    shell = consumer.json("run", "count.sh", *data, "--out", "shell", "--quiet")
    crashed = consumer.json("run", "crash.py", *data, "--out", "crashed", code=3)

    assert (ran["state"], ran["succeeded"], ran["did"]) == ("finished", True, dataset)
    assert ran["files"] == ["ran/count.json", "ran/algorithm.log"]
    assert ran["order_tx"] == ordered[dataset]["order_tx"]
    assert consumer.json("status", *job)["job_id"] == ran["job_id"]
    assert "counted 2\n" in own.err
    assert own.out.endswith("own/count.json\nown/algorithm.log\n")
    assert (consumer.folder / "shell" / "lines.txt").read_text().split()[0] == "3"
    assert shell.err == ""
    assert (crashed["state"], crashed["exit_code"]) == ("failed", 9)
    assert crashed["files"] == ["crashed/algorithm.log"]


def test_files_by_their_urls_are_for_nodes(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str, localnet: dict[str, Any]
) -> None:
    (consumer.folder / "count.py").write_text(QUICK)
    at = ("--node", localnet["provider_url"])
    refused = consumer.json("run", "count.py", "--data", "http://x.example/a", *at, code=2)
    not_here = consumer.json("run", "count.py", "--data", dataset, "--cpu", "1", code=5)

    assert "A V3 Provider computes on published data sets" in refused["error"]["message"]
    assert "Name data sets by their DIDs" in refused["error"]["message"]
    assert "A V3 Provider has no resources" in not_here["error"]["message"]
    assert consumer.run("environments").err == (
        "This back end has one environment, and tells nothing of it.\n"
    )
    assert len(consumer.json("environments")["environments"]) == 1


def test_a_v3_provider_takes_a_deletion(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str
) -> None:
    (consumer.folder / "count.py").write_text(QUICK)
    job = ("--job-file", "deleted.json")
    consumer.json("run", "count.py", "--data", dataset, "--out", "deleted", *job)

    assert consumer.json("delete", *job)["accepted"] is True
    consumer.json("result", *job, code=7)


def test_a_running_job_outlives_time_out_and_ctrl_c_and_is_stopped(
    consumer: CommandLine, ordered: dict[str, Said], dataset: str
) -> None:
    (consumer.folder / "slow.py").write_text(SLOW)
    job = ("--job-file", "slow.json")
    started = consumer.json("start", dataset, "--code", "slow.py", *RAW, *job)

    late = consumer.run("wait", *job, "--timeout", "0.2", "--json", code=4)
    assert late["error"]["reason"] == "timed_out"
    assert late["error"]["job_id"] == started["job_id"]

    waiting = consumer.started("wait", *job)
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("running: ")
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=DEADLINE_S)
    assert (waiting.returncode, out) == (130, "")
    goes_on = (
        f"Stopped waiting. Job {started['job_id']} goes on. Wait for it again: ocean-compute wait "
        "--job-file slow.json. Stop it: ocean-compute stop --job-file slow.json"
    )
    assert err.splitlines()[-1] == goes_on

    waiting = consumer.started("wait", *job, "--json")
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("running: ")
    waiting.send_signal(signal.SIGTERM)
    out, err = waiting.communicate(timeout=DEADLINE_S)
    assert (waiting.returncode, err) == (143, "")
    assert json.loads(out)["error"] == {
        "type": "Interrupted",
        "reason": "terminated",
        "exit_code": 143,
        "message": goes_on,
    }

    assert consumer.json("status", *job)["state"] == "running"
    assert consumer.json("result", *job, code=7)["error"]["reason"] == "not_found"
    consumer.json("stop", *job)
    assert consumer.json("wait", *job, code=3)["state"] == "stopped"


def test_a_publisher_sees_and_changes_whom_a_data_set_trusts(
    publisher: CommandLine, consumer: CommandLine, ordered: dict[str, Said], algorithm: str,
    dataset: str,
) -> None:  # fmt: skip
    pair = (dataset, algorithm)

    assert consumer.json("trust", "explain", *pair)["trusted"] is True
    assert publisher.json("trust", "refresh", *pair)["changed"] is False
    assert publisher.json("trust", "remove", *pair)["changed"] is True
    assert f"run `ocean-compute trust add {dataset} {algorithm}`" in (
        publisher.run("trust", "refresh", *pair, code=2).err
    )
    said = f"ocean-compute trust add {dataset} {algorithm}"
    assert said in consumer.run("trust", "explain", *pair, code=5).out
    [found] = consumer.json("trust", "explain", *pair, code=5)["findings"]
    assert said in found["how_to_mend"]
    orders = ("--order", ordered[dataset]["order_tx"])
    orders += ("--algorithm-order", ordered[algorithm]["order_tx"])
    refused = consumer.json("start", dataset, "--algorithm", algorithm, *orders, code=5)
    assert refused["error"]["reason"] == "refused"
    assert publisher.json("trust", "add", *pair)["changed"] is True
    assert consumer.json("trust", "explain", *pair)["findings"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "environment"),
    [
        (("order", ELSEWHERE), 7, {}),
        (("check", ELSEWHERE, "--algorithm", ELSEWHERE), 5, {}),
        (("status", "0" * 32), 7, {}),
        (("jobs", "--provider", NOBODY), 6, {}),
        (("order", ELSEWHERE), 2, {"OCEAN_WALLET_PASSWORD": "wrong"}),
        (("mint", ELSEWHERE, "--to", "0x12"), 2, {}),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_each_failure_has_its_status(
    consumer: CommandLine, arguments: tuple[str, ...], code: int, environment: dict[str, str]
) -> None:
    consumer.json(*arguments, code=code, **environment)


def test_a_local_file_is_published_on_the_embedded_network_only(
    publisher: CommandLine, algorithm: str, localnet: dict[str, Any]
) -> None:
    config = publisher.folder / "other.ini"
    config.write_text(f"[eth-network]\nnetwork = {localnet['rpc_url']}\n[resources]\n"
                      f"provider.url = {localnet['provider_url']}\n")  # fmt: skip

    said = publisher.run("publish", "algorithm", "algorithm.json", "--config", str(config), code=2)

    assert "only the embedded network's Provider can read" in said.err


def test_a_key_of_the_environment_does_as_well_and_is_not_shown(
    consumer: CommandLine, finished: dict[str, Any], secrets: list[str], localnet: dict[str, Any]
) -> None:
    keys = json.loads(Path(localnet["keys_file"]).read_text())["accounts"]

    said = consumer.run(
        "logs", "--job-file", "job.json", "--debug", OCEAN_KEYSTORE="", OCEAN_PRIVATE_KEY=keys[1]
    )
    other = consumer.run(
        "logs", "--job-file", "job.json", code=2, OCEAN_KEYSTORE="", OCEAN_PRIVATE_KEY=keys[2]
    )

    assert "counted 2" in said.out
    assert "Use the wallet that started the job" in other.err


def test_a_network_that_cannot_start_says_why(publisher: CommandLine, localnet: Any) -> None:
    port = localnet["provider_url"].rpartition(":")[2]

    said = publisher.run("localnet", "--temporary", "--port", port, code=1)

    assert port in said.err


def test_the_first_job_takes_one_command(consumer: CommandLine) -> None:
    said = consumer.json("quickstart", "--to", "first")

    assert said["state"] == "finished"
    assert said["result"]["patients"] == 6
    assert (consumer.folder / "first" / "result.json").is_file()


def test_the_state_folder_keeps_its_secrets(localnet: dict[str, Any]) -> None:
    state = Path(localnet["state_dir"])
    wallets = [Path(wallet["keystore"]) for wallet in localnet["wallets"].values()]

    assert (state / ".gitignore").read_text() == "*\n"
    assert {path.stat().st_mode & 0o077 for path in (*wallets, state / "keys.json")} == {0}


def test_a_pipe_that_closes_is_quiet(consumer: CommandLine, finished: dict[str, Any]) -> None:
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait(timeout=DEADLINE_S)
    ended = subprocess.run(
        [*_program(), "jobs", "--json"],
        env=consumer.variables(),
        stdout=reader.stdin,
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert reader.stdin is not None
    reader.stdin.close()

    assert (ended.returncode, ended.stderr) == (141, "")


def _program() -> list[str]:
    from tests.integration.cli_driver import PROGRAM

    return PROGRAM
