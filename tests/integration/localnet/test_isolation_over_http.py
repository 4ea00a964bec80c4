"""Data never leaves: what can be read over HTTP, by whom, and for how long."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.runners import filters, isolation, place
from ocean_lib.localnet.runners.isolation import available_tiers
from tests.integration.localnet.conftest import World, make_world
from tests.integration.localnet.handmade import compute_service, raw, until

SEPARATING = [tier.name for tier in available_tiers() if tier.name != "limits"]
WRITES = """
import os
os.chdir(os.environ["OUTPUTS"])
open("result.txt", "w").write("result")
open("algorithm.log", "w").write("not the log")
os.symlink(os.environ["INPUTS"], "inputs")
for did in os.listdir(os.environ["INPUTS"]):
    os.symlink(os.path.join(os.environ["INPUTS"], did, "0"), "data")
print("printed")
"""


@pytest.fixture(scope="module")
def finished(world: World) -> dict[str, str]:
    """Two jobs of one consumer, by the ends of their URLs."""
    ended = [run(world, WRITES) for _ in range(2)]
    first, second = ended
    return {
        "first": str(first["resultsUrl"][0]).rsplit("/", 1)[0],
        "second": str(second["resultsUrl"][0]).rsplit("/", 1)[0],
        "first_job": str(first["jobId"]),
        "names": " ".join(url.rsplit("/", 1)[1] for url in first["resultsUrl"]),
    }


def run(world: World, code: str) -> dict[str, object]:
    meta = raw(code)
    [job] = world.consumer.start(world.dataset, world.dataset_order, algorithmMeta=meta).json()
    return world.consumer.ended(job["jobId"])


def get_raw(url: str, path: str) -> tuple[int, bytes]:
    """Ask for a path exactly as it is spelt; clients would tidy it up."""
    place = urlsplit(url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), 10) as connection:
        text = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n"
        connection.sendall(text.encode("latin-1"))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_results_are_plain_files_only(world: World, finished: dict[str, str]) -> None:
    log = world.consumer.read(finished["first"] + "/algorithm.log")

    assert finished["names"] == "outputs-algorithm.log result.txt"
    assert "printed" in log
    assert "not the log" not in log
    assert "2 symbolic links" in log
    assert world.consumer.read(finished["first"] + "/outputs-algorithm.log") == "not the log"


@pytest.mark.parametrize(
    "path",
    [
        "/inputs", "/data", "/link", "/../inputs/{did}/0", "/../../inputs/{did}/0",
        "/%2e%2e/inputs/{did}/0", "/..%2finputs%2f{did}%2f0", "/result.txt/../../inputs/{did}/0",
        "/%2e%2e%2f%2e%2e%2fcontrol/spec.json", "/../control/spec.json", "/control/spec.json",
        "/etc/passwd", "//etc/passwd", "/%2fetc%2fpasswd", "/....//....//etc/passwd",
        "/..\\..\\keys.json",
        "/%5c..%5ckeys.json", "/../../../keys.json", "/result.txt%00", "/result.txt%0a",
        "/RESULT.TXT", "/result.txt/", "/./result.txt", "/", "", "/%252e%252e/control/spec.json",
        "/data/inputs/{did}/0", "/inputs/{did}/0", "/ddos/did:op:{did}",
        "/transformations/algorithm",
        "/outcome.json", "/spec.json", "/network.db",
    ],
)  # fmt: skip
def test_nothing_but_the_named_results_is_served(
    world: World, finished: dict[str, str], path: str
) -> None:
    did = world.dataset.removeprefix("did:op:")
    status, body = get_raw(
        finished["first"], urlsplit(finished["first"]).path + path.format(did=did)
    )

    # 308 leads to the same path with single slashes, which is asked for as well.
    assert status in (308, 400, 404), body
    assert b"root:" not in body
    assert b"1\n2\n3\n" not in body


def test_a_result_is_not_served_through_a_link_in_place_of_its_folder(world: World) -> None:
    ended = run(world, "import os\nos.mkdir(os.environ['OUTPUTS'] + '/sub')\n"
                "open(os.environ['OUTPUTS'] + '/sub/keys.json', 'w').close()")  # fmt: skip
    [url] = ended["resultsUrl"]  # type: ignore[misc]
    before = world.consumer.http.get(url, timeout=10).status_code
    # As a process that outlived the job could do.
    state = world.network.state_dir
    outputs = state / "jobs" / str(ended["jobId"]) / "data" / "outputs"
    (outputs / "sub").rename(outputs / "old")
    (outputs / "sub").symlink_to(state)
    after = world.consumer.http.get(url, timeout=10)

    assert (outputs / "sub" / "keys.json").exists()
    assert before == 200
    assert after.status_code == 404
    assert b"0x" not in after.content


@pytest.mark.parametrize("tier", SEPARATING)
def test_a_state_folder_within_the_systems_folders_stays_private(
    tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path.resolve() / "system"
    state = system / "app" / "state"
    (system / "share").mkdir(parents=True)
    (system / "app").mkdir()
    (system / "app" / ".env").write_text("KEY=secret")
    (system / "share" / "public").write_text("public")
    # As /usr/lib/app is below /usr and /lib, without writing there.
    (tmp_path / "link").symlink_to(system)
    shown = (str(system), str(tmp_path.resolve() / "link"))
    monkeypatch.setattr(place, "_SYSTEM", (*place._SYSTEM, *shown))
    monkeypatch.chdir(system / "app")
    aims = [str(state / "keys.json"), ".env", str(system / "app" / ".env")]
    aims = [str(system / "app" / aim) for aim in aims]
    code = (
        f"import os\nfor path in {[*aims, str(system / 'share' / 'public')]!r}:\n"
        "    try: print(path, open(path).read(6))\n"
        "    except OSError: print(path, 'refused')\n"
    )
    with LocalNetwork(state, isolation=tier) as network:
        world = make_world(network)
        ended = run(world, code)
        log = world.consumer.read(str(ended["algorithmLogUrl"]))
        world.close()

    assert [aim for aim in aims if f"{aim} refused" not in log] == []
    assert f"{system / 'share' / 'public'} public" in log


def test_no_job_runs_where_the_state_folder_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path.resolve() / "state"
    monkeypatch.setattr(place, "_SYSTEM", (*place._SYSTEM, str(state)))
    with LocalNetwork(state) as network:
        isolation = network.isolation

    assert isolation == "refused"
    assert f"{state}/keys.json can be read" in caplog.text or "secret can be read" in caplog.text


def test_a_token_cannot_be_guessed_or_used_for_another_job(
    world: World, finished: dict[str, str]
) -> None:
    base, token = finished["first"].rsplit("/", 1)
    other = finished["second"].rsplit("/", 1)[1]
    guesses = ["", "0" * 64, token[:-1], token[:-1] + ("0" if token[-1] != "0" else "1"),
               token.upper(), token + "0", "%", "_" * 64, token[:32], finished["first_job"],
               "' OR '1'='1", "*"]  # fmt: skip
    answers = [get_raw(base, f"/results/{guess}/result.txt")[0] for guess in
               (guess.replace(" ", "%20") for guess in guesses)]  # fmt: skip
    across = get_raw(base, f"/results/{token}/../{other}/result.txt")[0]

    assert len(token) == 64
    assert token != other
    assert set(answers) <= {400, 404}
    assert across == 404


def test_no_answer_names_the_results_to_who_did_not_sign(
    world: World, finished: dict[str, str]
) -> None:
    token = finished["first"].rsplit("/", 1)[1]
    unsigned = world.consumer.get(
        "/api/v1/services/compute",
        consumerAddress=world.consumer.address,
        jobId=finished["first_job"],
    )

    assert unsigned.status_code == 200
    assert token not in unsigned.text


def test_results_and_log_are_gone_after_deletion(world: World) -> None:
    ended = run(world, WRITES)
    urls = [*ended["resultsUrl"], ended["algorithmLogUrl"]]  # type: ignore[misc]
    before = [world.consumer.http.get(url, timeout=10).status_code for url in urls]
    world.consumer.delete(str(ended["jobId"]))
    after = [world.consumer.http.get(url, timeout=10).status_code for url in urls]

    assert before == [200, 200, 200]
    assert after == [404, 404, 404]


def test_results_end_with_their_lifetime() -> None:
    with LocalNetwork(results_lifetime_s=1.0) as network:
        world = make_world(network)
        ended = run(world, WRITES)
        urls = [*ended["resultsUrl"], ended["algorithmLogUrl"]]  # type: ignore[misc]
        first = world.consumer.http.get(urls[0], timeout=10).status_code
        finished = float(str(ended["dateFinished"]))
        while time.time() < finished + 1.0:
            last = [world.consumer.http.get(url, timeout=10).status_code for url in urls]
        last = [world.consumer.http.get(url, timeout=10).status_code for url in urls]
        until(lambda: not (network.state_dir / "jobs" / str(ended["jobId"])).exists())
        world.close()

    assert first == 200
    assert last == [404, 404, 404]


@pytest.fixture
def nothing_works(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Broken(filters.Landlock):
        name = "landlock"

        def __init__(self) -> None:
            super().__init__(version=1)

    monkeypatch.setattr(isolation, "SEPARATING", (Broken(),))
    return None


@pytest.mark.usefixtures("nothing_works")
def test_where_nothing_separates_the_network_starts_and_jobs_say_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with LocalNetwork() as network:
        world = make_world(network)
        isolation = network.isolation
        ended = run(world, "print('ran')")
        log = world.consumer.read(str(ended["algorithmLogUrl"]))
        world.close()

    assert isolation == "refused"
    assert (ended["status"], ended["resultsUrl"]) == (32, "")
    assert "isolation: refused" in log
    assert "landlock: the kernel has Landlock 1, and 3 is needed" in log
    assert 'LocalNetwork(isolation="limits")' in log
    assert "ran\n" not in log
    assert "jobs will be refused" in caplog.text


@pytest.mark.usefixtures("nothing_works")
def test_no_separation_is_never_chosen_but_can_be_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with LocalNetwork(isolation="limits") as network:
        world = make_world(network)
        isolation = network.isolation
        ended = run(world, "print('ran')")
        log = world.consumer.read(str(ended["algorithmLogUrl"]))
        world.close()

    assert isolation == "limits"
    assert "ran\n" in log
    assert "UNSAFE" in log
    assert [record.levelno for record in caplog.records if "UNSAFE" in record.message] == [
        logging.WARNING
    ]


def test_a_job_fails_where_its_isolation_cannot_take_the_network_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filters.seccomp, "available", lambda: False)
    with LocalNetwork(isolation="limits") as network:
        world = make_world(network)
        refused = run(world, "print('ran')")
        log = world.consumer.read(str(refused["algorithmLogUrl"]))
        service = compute_service(allowRawAlgorithm=True, allowNetworkAccess=True)
        url = network.publish_file(b"1\n", "open.txt")
        did = world.publisher.publish("open", [url], [service])
        tx = world.consumer.order(world.publisher, did, 4)
        [job] = world.consumer.start(did, tx, algorithmMeta=raw("print('ran')")).json()
        allowed = world.consumer.ended(job["jobId"])
        world.close()

    assert refused["status"] == 32
    assert "'limits' cannot take the network away on this machine" in log
    assert allowed["status"] == 70
