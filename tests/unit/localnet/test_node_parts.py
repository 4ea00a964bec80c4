"""The parts of the network's node: settling, limits, tokens, frames, the archive."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from eth_account import Account
from flask import Flask, request
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_lib.localnet.dialects.node.claims import ClaimPasses
from ocean_lib.localnet.dialects.node.credentials import Credentials, has_signed, nonce_of
from ocean_lib.localnet.dialects.node.jobs import file_name, job_document
from ocean_lib.localnet.dialects.node.limits import RateLimits
from ocean_lib.localnet.dialects.node.options import NodeOptions
from ocean_lib.localnet.dialects.node.outputs import pack
from ocean_lib.localnet.dialects.node.wire import Refused, body_of, check_address
from ocean_lib.localnet.jobs.records import AlgorithmSource, JobRequest, JobStage
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.runners.output_log import ERROR, OUTPUT, OutputLog
from ocean_lib.localnet.state.database import Database
from tests.unit.localnet.node_replay import signed_with
from tests.vectors import nodes


class Clock:
    """A time that a test decides."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "network.db")
    yield database
    database.close()


def test_jobs_are_settled_a_minute_after_the_start_and_each_hour_from_then(
    database: Database,
) -> None:
    clock = Clock(1000.0)
    passes = ClaimPasses(database, clock)

    found = []
    for clock.now in (1059.9, 1060.0, 4659.0, 4660.0, 9000.0):
        found.append(passes.last())

    assert found == [0.0, 1060.0, 1060.0, 4660.0, 8260.0]


def test_what_was_settled_stays_so_after_a_restart(database: Database) -> None:
    clock = Clock(1000.0)
    first = ClaimPasses(database, clock)
    clock.now = 1100.0
    settled = first.last()

    again = ClaimPasses(database, clock)

    assert again.last() == settled == 1060.0
    clock.now = 1160.0
    assert again.last() == 1160.0


@pytest.mark.parametrize(
    ("stage", "before", "after"),
    [
        (JobStage.FINISHED, 71, 70),
        (JobStage.CANNOT_RUN, 41, 70),
        (JobStage.CONTAINER_FAILED, 22, 22),
        (JobStage.DATA_FAILED, 31, 31),
        (JobStage.EXPIRED, 2, 2),
    ],
)
def test_a_claim_pass_settles_what_the_recorded_one_did(
    database: Database, stage: JobStage, before: int, after: int
) -> None:
    store = JobStore(database)
    job = store.create(request_of_a_node())
    store.finish(job.job_id, stage)
    ended = store.get(job.job_id)

    told = [
        job_document(ended, settled_before=moment, results=[])["status"]
        for moment in (0.0, time.time() + 1)
    ]

    assert told == [before, after]


def test_every_stage_has_a_number_and_words_of_a_nodes(database: Database) -> None:
    store = JobStore(database)
    recorded = {
        (job["status"], job["statusText"])
        for number in ("10", "18", "25", "32", "33")
        for one in nodes.load(number)
        for job in nodes.jobs_in(one)
    }
    for stage in JobStage:
        job = store.create(request_of_a_node())
        store.advance(job.job_id, stage)
        document = job_document(store.get(job.job_id), settled_before=0.0, results=[])
        told = (document["status"], document["statusText"])

        unseen = stage in (JobStage.EXPIRED, JobStage.PULL_FAILED, JobStage.ALGORITHM_FAILED)
        assert unseen or told in recorded, told


def request_of_a_node() -> JobRequest:
    return JobRequest(
        owner=nodes.CONSUMER,
        agreement_id="",
        inputs=(),
        algorithm=AlgorithmSource("", "", "print(1)", "python3 $ALGO", "python:3"),
        wall_s=60.0,
        allow_network=False,
    )


def test_an_address_may_ask_again_when_its_minute_is_over() -> None:
    clock = Clock()
    limits = RateLimits(NodeOptions(rate_limit=2), clock)
    app = Flask("test")

    def refused(after_s: float, address: str = "10.0.0.1") -> str:
        clock.now = 1000.0 + after_s
        with app.test_request_context("/", headers={"X-Forwarded-For": address}):
            answer = limits.refusal(request)
            return "" if answer is None else answer.get_data(as_text=True)

    assert [refused(at) for at in (0.0, 1.0)] == ["", ""]
    assert refused(2.5) == "Rate limit exceeded. Try again in 58 seconds."
    assert refused(2.5, "10.0.0.2") == ""
    assert refused(60.0) == "Rate limit exceeded. Try again in 0 seconds."
    assert refused(60.1) == ""


def test_addresses_of_more_than_a_minute_ago_do_not_count() -> None:
    clock = Clock()
    limits = RateLimits(NodeOptions(max_connections=1), clock)
    app = Flask("test")

    def status(after_s: float, address: str) -> int:
        clock.now = 1000.0 + after_s
        with app.test_request_context("/", headers={"X-Forwarded-For": address}):
            answer = limits.refusal(request)
            return 200 if answer is None else answer.status_code

    assert [status(0.0, "10.0.0.1"), status(1.0, "10.0.0.2"), status(62.0, "10.0.0.3")] == [
        200,
        403,
        200,
    ]


def test_every_recorded_signature_is_judged_as_it_was() -> None:
    judged = {True: 0, False: 0}
    for case in nodes.errors():
        signed = case["request"].get("signed")
        if signed is None or signed.get("signer") is None:
            continue
        given_ = case["request"].get("query") or case["request"]["body"]["json"]
        nonce = nonce_of(given_.get("nonce"))
        address = given_.get("consumerAddress")
        if nonce is None or not address or "signature" not in given_:
            continue
        right = "mismatch" not in str(case["response"].get("body"))
        if case["response"]["status"] in (200, 401) and "stop" not in case["case"]:
            command = signed["command"]
            assert has_signed(address, nonce, command, given_["signature"]) == right, case["case"]
            judged[right] += 1
    assert judged[True] > 20
    assert judged[False] == 3


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2**53), st.sampled_from(["startCompute", "getComputeResult"]))
def test_what_a_key_signed_is_its_addresss_and_nobody_elses(nonce: int, command: str) -> None:
    signature = signed_with(nodes.CONSUMER_KEY, nodes.CONSUMER, nonce, command)
    stranger = str(Account.from_key("0x" + "11" * 32).address)

    assert has_signed(nodes.CONSUMER, nonce, command, signature)
    assert not has_signed(nodes.CONSUMER, nonce + 1, command, signature)
    assert not has_signed(stranger, nonce, command, signature)
    assert not has_signed(nodes.CONSUMER, nonce, command, signature.removeprefix("0x"))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_no_text_in_place_of_a_signature_breaks_the_check(text: str) -> None:
    assert not has_signed(nodes.CONSUMER, 1, "startCompute", text)
    assert not has_signed(nodes.CONSUMER, 1, "startCompute", f"0x{text[:130]:0<130}")


def test_one_signature_counts_once(database: Database) -> None:
    credentials = Credentials(database, "secret")
    signature = signed_with(nodes.CONSUMER_KEY, nodes.CONSUMER, 5, "stopCompute")
    credentials.spend(nodes.CONSUMER, "5", signature, "stopCompute")

    with pytest.raises(Refused, match="nonce: 5 is not a valid nonce"):
        credentials.spend(nodes.CONSUMER, "5", signature, "stopCompute")
    with pytest.raises(Refused, match="mismatch"):
        credentials.spend(nodes.CONSUMER, "6", signature, "stopCompute")
    assert credentials.nonce(nodes.CONSUMER) == 5
    assert credentials.nonce(nodes.CONSUMER.lower()) == 0


@pytest.mark.parametrize(
    ("value", "number"),
    [("7", 7), (7, 7), ("7.5", 7), (" 7 ", 7), ("7abc", 7), ("abc", None), ("-7", None), ("", None)]
    + [(None, None), ([7], None), (str(2**53), 2**53), (str(2**53 + 1), None), ("9" * 40, None)],
)
def test_a_nonce_is_read_as_the_node_reads_it(value: object, number: int | None) -> None:
    assert nonce_of(value) == number


@pytest.mark.parametrize(
    ("address", "good"),
    [
        (nodes.CONSUMER, True),
        (nodes.CONSUMER.lower(), True),
        ("0x" + nodes.CONSUMER[2:].upper(), True),
        (nodes.CONSUMER[2:], True),
        (nodes.CONSUMER[:-1] + nodes.CONSUMER[-1].swapcase(), False),
        ("0x12", False),
        (None, False),
        (["0x"], False),
    ],
)
def test_what_is_an_address(address: object, good: bool) -> None:
    if good:
        check_address(address)
        return
    with pytest.raises(Refused, match="not a valid web3 address"):
        check_address(address)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://x/a/table.csv?token=1", "table.csv"),
        ("http://x/a%20b.csv", "a b.csv"),
        ("http://x/up%2F..%2Fother", "other"),
        ("http://x/%2e%2e", ""),
        ("http://x/", ""),
        ("http://x/a%00b", ""),
        ("http://[x/a", ""),
        ("ipfs:", ""),
    ],
)
def test_an_inputs_name_is_its_urls_last_part_and_never_leads_elsewhere(
    url: str, name: str
) -> None:
    assert file_name(url) == name


def log_of(path: Path, most_bytes: int, *written: tuple[int, bytes]) -> bytes:
    path.touch()
    log = OutputLog(str(path), most_bytes, framed=True)
    for stream, data in written:
        log.write(stream, data)
    log.close()
    return path.read_bytes()


def test_each_line_is_a_frame_of_its_stream_and_the_last_needs_no_end(tmp_path: Path) -> None:
    written = [(OUTPUT, b"one\ntw"), (ERROR, b"bad\n"), (OUTPUT, b"o\nrest")]

    assert log_of(tmp_path / "log", 1000, *written) == (
        b"\x01\0\0\0\0\0\0\x04one\n\x02\0\0\0\0\0\0\x04bad\n"
        b"\x01\0\0\0\0\0\0\x04two\n\x01\0\0\0\0\0\0\x04rest"
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([OUTPUT, ERROR]), st.binary(max_size=40_000))))
def test_nothing_is_lost_in_frames(written: list[tuple[int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = log_of(Path(folder, "log"), 10**9, *written)
    found = {OUTPUT: b"", ERROR: b""}
    while log:
        end = 8 + int.from_bytes(log[4:8], "big")
        assert log[1:4] == b"\0\0\0"
        assert end <= 8 + 16 * 1024
        found[log[0]] += log[8:end]
        log = log[end:]

    for stream, content in found.items():
        assert content == b"".join(data for one, data in written if one == stream)


def test_a_full_log_ends_with_a_whole_frame_that_says_so(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log", 30, (OUTPUT, b"12345\n" * 10))

    assert log.count(b"12345\n") == 2
    assert log.endswith(b"[the log is full; the rest is dropped]\n")
    assert log[28] == ERROR


def packed(folder: Path, *names: str) -> tuple[bytes, list[tarfile.TarInfo]]:
    (folder / "control").mkdir(parents=True)
    for name in names:
        path = folder / "data" / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    pack(folder, [PurePosixPath(name) for name in names])
    data = (folder / "control" / "outputs.tar").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return data, archive.getmembers()


def test_an_empty_archive_is_as_long_as_the_recorded_one(tmp_path: Path) -> None:
    data, members = packed(tmp_path)

    assert len(data) == 1536
    assert [(one.name, one.isdir()) for one in members] == [("outputs", True)]


def test_the_outputs_are_in_the_archive_below_one_folder_and_gone_from_disk(
    tmp_path: Path,
) -> None:
    long = "deep/" * 40 + "ünïcode " + "x" * 150
    _, members = packed(tmp_path, "a.json", "sub/b.txt", long)

    files = {one.name: (one.uid, one.mode) for one in members if one.isfile()}
    assert files == dict.fromkeys(
        (f"outputs/{name}" for name in ("a.json", "sub/b.txt", long)), (1000, 0o644)
    )
    assert "outputs/sub" in [one.name for one in members if one.isdir()]
    assert not (tmp_path / "data" / "outputs").exists()


def test_a_network_that_packs_again_after_a_kill_keeps_what_was_packed(tmp_path: Path) -> None:
    data, _ = packed(tmp_path, "a.json", "b.json")
    (tmp_path / "data" / "outputs").mkdir()  # a half of it was removed
    (tmp_path / "data" / "outputs" / "b.json").touch()

    pack(tmp_path, [PurePosixPath("b.json")])

    assert (tmp_path / "control" / "outputs.tar").read_bytes() == data
    assert not (tmp_path / "data" / "outputs").exists()


def test_a_link_that_an_algorithm_left_is_not_followed(tmp_path: Path) -> None:
    outputs = tmp_path / "data" / "outputs"
    outputs.mkdir(parents=True)
    (tmp_path / "control").mkdir()
    (tmp_path / "secret").write_text("secret")
    (outputs / "link").symlink_to(tmp_path / "secret")

    pack(tmp_path, [PurePosixPath("link")])

    with tarfile.open(tmp_path / "control" / "outputs.tar") as archive:
        assert archive.getnames() == ["outputs"]
    assert (tmp_path / "secret").read_text() == "secret"


def test_numbers_are_told_as_javascript_writes_them() -> None:
    app = Flask("test")
    body = b'{"a": 60.0, "b": [1.5, {"c": 2.0}], "d": "3.0", "e": true}'
    with app.test_request_context(data=body, content_type="application/json"):
        found = body_of(request)

    assert json.dumps(found) == '{"a": 60, "b": [1.5, {"c": 2}], "d": "3.0", "e": true}'
