"""The main job over real sockets: publish, order, start, status, result, stop, download."""

from __future__ import annotations

import json
import os
import secrets

import pytest

from tests.integration.localnet.conftest import World
from tests.integration.localnet.handmade import (
    CONTAINER,
    SERVICES,
    access_service,
    compute_service,
    detaching,
    raw,
    running,
    until,
)

SLEEPER = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(1)\n"


def run_raw(world: World, code: str, **changes: object) -> str:
    answer = world.consumer.start(
        world.dataset, world.dataset_order, algorithmMeta=raw(code, **changes)
    )
    return str(answer.json()[0]["jobId"])


def test_a_published_algorithm_runs_on_published_data(world: World) -> None:
    answer = world.consumer.start(world.dataset, world.dataset_order, **world.by_did)
    [job] = answer.json()
    ended = world.consumer.ended(job["jobId"])

    assert job["status"] == 1
    assert job["agreementId"] == world.dataset_order
    assert ended["status"] == 70
    assert ended["statusText"] == "Job finished"
    assert ended["stopreq"] == 0
    [url] = ended["resultsUrl"]
    assert url.endswith("/result.json")
    result = json.loads(world.consumer.read(url))
    assert result["sum"] == 6
    assert json.loads(result["dids"]) == [world.dataset.removeprefix("did:op:")]
    assert "summed 3 numbers" in world.consumer.read(ended["algorithmLogUrl"])


def test_raw_code_runs_where_the_publisher_allows_it(world: World) -> None:
    code = "import os; print('raw', os.environ['TRANSFORMATION_DID'] == '')"
    ended = world.consumer.ended(run_raw(world, code))

    assert ended["algoDID"] == ""
    assert ended["resultsUrl"] == ""
    assert "raw True" in world.consumer.read(ended["algorithmLogUrl"])


def test_a_job_reads_several_inputs(world: World) -> None:
    extra = [{"documentId": world.open_dataset, "transferTxId": world.access_order, "serviceId": 3}]
    answer = world.consumer.start(
        world.dataset, world.dataset_order, additionalInputs=extra, **world.by_did
    )
    [job] = answer.json()
    ended = world.consumer.ended(job["jobId"])

    assert ended["inputDID"] == [world.dataset, world.open_dataset]
    assert json.loads(world.consumer.read(ended["resultsUrl"][0]))["sum"] == 36


def test_an_algorithm_sees_the_protocols_files_and_environment_only(world: World) -> None:
    code = """
import json, os, sys
root = os.environ["VOLUME"]
tree = sorted(os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs)
print(json.dumps({"env": sorted(os.environ), "tree": tree, "argv": sys.argv}))
"""
    ended = world.consumer.ended(run_raw(world, code))
    seen = json.loads(world.consumer.read(ended["algorithmLogUrl"]).splitlines()[3])

    plain = world.dataset.removeprefix("did:op:")
    protocol = {"DIDS", "TRANSFORMATION_DID", "VOLUME", "INPUTS", "OUTPUTS", "LOGS", "secret"}
    assert set(seen["env"]) - protocol <= {
        "ROOT_FOLDER", "rootFolder", "PATH", "HOME", "TMPDIR", "LANG", "PWD", "LC_CTYPE",
        "__CF_USER_TEXT_ENCODING", "OLDPWD", "_", "SHLVL",
    }  # fmt: skip
    assert protocol <= set(seen["env"])
    assert seen["tree"] == sorted(
        [
            f"ddos/{world.dataset}",
            f"inputs/{plain}/0",
            "logs/algorithm.log",
            "transformations/algorithm",
        ]
    )
    assert len(seen["argv"]) == 1


def test_the_states_come_in_the_protocols_order(world: World) -> None:
    job_id = run_raw(world, SLEEPER)
    seen = [1]

    def runs() -> bool:
        status = world.consumer.status(job_id)["status"]
        if status != seen[-1]:
            seen.append(status)
        return bool(status == 40)

    until(runs)
    text = world.consumer.status(job_id)["statusText"]
    world.consumer.stop(job_id)
    world.consumer.ended(job_id)

    assert seen == sorted(seen)
    assert set(seen) <= {1, 10, 20, 30, 40}
    assert text == "Running algorithm "


def test_stop_shows_the_status_before_and_ends_everything(world: World) -> None:
    token = secrets.token_hex(8)
    job_id = run_raw(world, detaching(token))
    until(lambda: running(token) and world.consumer.status(job_id)["status"] == 40)

    [stopped] = world.consumer.stop(job_id).json()
    ended = world.consumer.ended(job_id)

    assert (stopped["status"], stopped["stopreq"]) == (40, 1)
    assert (ended["status"], ended["stopreq"]) == (70, 1)
    assert ended["resultsUrl"] == ""
    assert not running(token)


def test_a_detached_process_does_not_survive_its_algorithm(world: World) -> None:
    token = secrets.token_hex(8)
    ended = world.consumer.ended(run_raw(world, detaching(token, stays=False)))

    assert "ended well" in world.consumer.read(ended["algorithmLogUrl"])
    assert not running(token)


def test_stop_without_a_job_id_stops_all_of_the_owners_jobs(world: World) -> None:
    jobs = [run_raw(world, SLEEPER) for _ in range(3)]
    answer = world.consumer.stop("")
    stopped = {job["jobId"]: job["stopreq"] for job in answer.json()}

    assert all(stopped[job_id] == 1 for job_id in jobs)
    assert all(world.consumer.ended(job_id)["status"] == 70 for job_id in jobs)


def test_a_crash_ends_at_70_and_the_log_tells(world: World) -> None:
    ended = world.consumer.ended(run_raw(world, "raise SystemExit('it broke')"))
    log = world.consumer.read(ended["algorithmLogUrl"])

    assert (ended["status"], ended["stopreq"]) == (70, 0)
    assert "it broke" in log
    assert "failed with exit status 1" in log
    assert ended["terminationDetails"] == {"exitCode": 1, "OOMKilled": False}


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("print(1)", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
    ],
)
def test_anybody_can_read_how_an_algorithm_ended(world: World, code: str, exit_code: int) -> None:
    job_id = run_raw(world, code)
    world.consumer.ended(job_id)
    unsigned = world.consumer.status(job_id)

    assert unsigned["terminationDetails"] == {"exitCode": exit_code, "OOMKilled": False}
    assert "owner" not in unsigned


def test_a_job_over_its_time_ends_with_stopreq_2(world: World) -> None:
    service = compute_service(allowRawAlgorithm=True, timeout=1)
    url = world.network.publish_file(b"1\n", "short.txt")
    did = world.publisher.publish("short", [url], [service])
    tx = world.consumer.order(world.publisher, did, 4)
    [job] = world.consumer.start(did, tx, algorithmMeta=raw(SLEEPER)).json()
    ended = world.consumer.ended(job["jobId"])

    assert (ended["status"], ended["stopreq"]) == (70, 2)
    assert "time was up" in world.consumer.read(ended["algorithmLogUrl"])


def test_a_file_that_cannot_be_read_ends_at_31(world: World) -> None:
    urls = [world.network.publish_file(b"1\n", "there.txt"), "http://127.0.0.1:9/missing"]
    did = world.publisher.publish("half", urls, [compute_service(allowRawAlgorithm=True)])
    tx = world.consumer.order(world.publisher, did, 4)
    [job] = world.consumer.start(did, tx, algorithmMeta=raw("print()")).json()
    ended = world.consumer.ended(job["jobId"])
    log = world.consumer.read(ended["algorithmLogUrl"])

    assert (ended["status"], ended["statusText"]) == (31, "Data provisioning failed")
    assert ended["resultsUrl"] == ""
    assert "file 1 of" in log
    assert "127.0.0.1:9" not in log


def test_an_algorithm_that_cannot_be_read_ends_at_32(world: World) -> None:
    meta = raw("", url="http://127.0.0.1:9/missing.py")
    [job] = world.consumer.start(world.dataset, world.dataset_order, algorithmMeta=meta).json()
    ended = world.consumer.ended(job["jobId"])

    assert (ended["status"], ended["statusText"]) == (32, "Algorithm provisioning failed")


def test_links_and_devices_in_the_outputs_are_no_results(world: World) -> None:
    code = """
import os
os.chdir(os.environ["OUTPUTS"])
os.symlink("/etc/passwd", "link")
os.symlink("/etc", "folder")
os.mkfifo("pipe")
os.mkdir("sub")
open("sub/real file.txt", "w").write("real")
os.link("sub/real file.txt", "twin")
open("alone.txt", "w").write("alone")
"""
    ended = world.consumer.ended(run_raw(world, code))

    names = [url.rsplit("/", 1)[1] for url in ended["resultsUrl"]]
    assert names == ["alone.txt"]


def test_results_need_their_unguessable_url(world: World) -> None:
    ended = world.consumer.ended(run_raw(world, "print('quiet')"))
    job_id, url = ended["jobId"], ended["algorithmLogUrl"]
    token = url.split("/")[-2]

    assert len(token) == 64
    assert world.consumer.get(f"/results/{job_id}/algorithm.log").status_code == 404
    assert world.consumer.get(f"/results/{token}/../control/spec.json").status_code == 404
    assert world.consumer.get(f"/results/{token}/spec.json").status_code == 404


def test_a_result_is_read_from_where_a_transfer_broke(world: World) -> None:
    code = "import os; open(os.path.join(os.environ['OUTPUTS'], 'x'), 'w').write('0123456789')"
    [url] = world.consumer.ended(run_raw(world, code))["resultsUrl"]

    def read(**headers: str) -> tuple[int, str | None, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = world.consumer.http.get(url, headers=named, timeout=10)
        return answer.status_code, answer.headers.get("Content-Range"), answer.text

    etag = world.consumer.http.get(url, timeout=10).headers["ETag"]

    assert read(Range="bytes=4-", If_Range=etag) == (206, "bytes 4-9/10", "456789")
    assert read(Range="bytes=4-", If_Range='"another"') == (200, None, "0123456789")
    assert read(Range="bytes=10-")[0] == 416


def test_deleted_results_are_gone(world: World) -> None:
    code = "import os; open(os.path.join(os.environ['OUTPUTS'], 'x'), 'w').write('x')"
    ended = world.consumer.ended(run_raw(world, code))
    [url] = ended["resultsUrl"]
    answer = world.consumer.delete(ended["jobId"])
    after = world.consumer.result(ended["jobId"])

    assert (answer.status_code, answer.text) == (200, '""\n')
    assert after["removed"] == 1
    assert after["resultsUrl"] == ""
    assert after["algorithmLogUrl"] is None
    assert world.consumer.http.get(url, timeout=10).status_code == 404


def test_a_job_that_is_deleted_while_it_runs_leaves_nothing_on_the_disk(world: World) -> None:
    token = secrets.token_hex(8)
    job_id = run_raw(world, detaching(token))
    folder = world.network.state_dir / "jobs" / job_id
    until(lambda: running(token) and world.consumer.status(job_id)["status"] == 40)
    was_there = (folder / "control" / "algorithm.log").is_file()

    world.consumer.delete(job_id)
    until(lambda: world.consumer.status(job_id)["dateFinished"])
    until(lambda: not folder.exists())

    assert was_there
    assert not running(token)
    assert world.consumer.result(job_id)["algorithmLogUrl"] is None


def test_a_job_that_is_deleted_while_it_waits_leaves_nothing_on_the_disk(world: World) -> None:
    jobs = [run_raw(world, SLEEPER) for _ in range((os.cpu_count() or 1) + 2)]
    last = world.consumer.status(jobs[-1])["status"]
    world.consumer.delete(jobs[-1])
    left = (world.network.state_dir / "jobs" / jobs[-1]).exists()
    world.consumer.stop("")

    assert last == 1
    assert not left


def test_a_bought_file_is_downloaded(world: World) -> None:
    params = {
        "documentId": world.open_dataset,
        "serviceId": 3,
        "serviceType": "access",
        "dataToken": "0x" + world.open_dataset.removeprefix("did:op:"),
        "transferTxId": world.access_order,
        "consumerAddress": world.consumer.address,
        "fileIndex": 0,
    }
    before = int(world.consumer.nonce())
    signature = world.consumer.signed(world.open_dataset)
    answer = world.consumer.get(f"{SERVICES}/download", signature=signature, **params)

    assert answer.status_code == 200
    assert answer.text == "10\n20\n"
    assert answer.headers["Content-Disposition"] == "attachment;filename=more.txt"
    assert int(world.consumer.nonce()) == before + 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"transferTxId": "0x" + "ab" * 32}, 500),
        ({"serviceId": 4}, 500),
        ({"fileIndex": 7}, 500),
        ({"documentId": ""}, 400),
        ({"signature": "0x" + "11" * 64 + "1b"}, 500),
    ],
)
def test_a_download_that_is_not_paid_for_is_refused(
    world: World, changes: dict[str, object], status: int
) -> None:
    params = {
        "documentId": world.open_dataset,
        "serviceId": 3,
        "dataToken": "0x" + world.open_dataset.removeprefix("did:op:"),
        "transferTxId": world.access_order,
        "consumerAddress": world.consumer.address,
        "fileIndex": 0,
        "signature": world.consumer.signed(world.open_dataset),
    }
    before = world.consumer.nonce()
    answer = world.consumer.get(f"{SERVICES}/download", **{**params, **changes})

    assert answer.status_code == status
    assert world.consumer.nonce() == before


def test_private_files_are_served_to_nobody(world: World) -> None:
    url = world.network.publish_file(b"secret", "secret.txt")
    info = world.consumer.post(f"{SERVICES}/fileinfo", {"url": url, "checksum": True}).json()

    assert world.consumer.http.get(url, timeout=10).status_code == 404
    assert info[0]["valid"] is True
    assert info[0]["contentLength"] == "6"
    assert len(info[0]["checksum"]) == 64


def test_the_containers_entry_point_says_what_runs_the_algorithm(world: World) -> None:
    meta = raw("echo shell $0; exit 3", container={**CONTAINER, "entrypoint": "sh $ALGO"})
    answer = world.consumer.start(world.dataset, world.dataset_order, algorithmMeta=meta)
    ended = world.consumer.ended(answer.json()[0]["jobId"])

    assert "failed with exit status 3" in world.consumer.read(ended["algorithmLogUrl"])


def test_an_update_shows_at_once(world: World) -> None:
    url = world.network.publish_file(b"1\n", "update.txt")
    did = world.publisher.publish("before", [url], [access_service()])
    ddo = world.publisher.ddo(did)
    created = ddo["created"]
    ddo["service"][0]["attributes"]["main"]["name"] = "after"
    world.publisher.write_metadata(ddo, "update")
    after = world.publisher.ddo(did)

    assert after["service"][0]["attributes"]["main"]["name"] == "after"
    assert after["created"] == created


def test_nothing_of_the_network_can_be_read_in_the_state_folder_by_others(world: World) -> None:
    folder = world.network.state_dir

    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "keys.json").stat().st_mode & 0o077 == 0
