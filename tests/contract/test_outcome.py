"""Results and logs come home whole, under safe names, or the caller is told why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocean_lib.exceptions import JobError, ResultsWithheld
from ocean_lib.localnet.faults import CutShort, Drop, StuckJob, Unavailable, WithholdResults
from ocean_lib.ocean.compute_job import ComputeJob
from tests.contract.worlds import PLACES, Consumer, World

ODD_NAMES = ("..%2f..%2fup.txt", "con", "a b;c.csv", "ünïcode.txt", "Same.TXT", "same.txt", "-rf")


def results(folder: Path) -> list[Path]:
    """Return the files of a folder that are no logs."""
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".log"]


def test_all_results_and_logs_are_downloaded(consumer: Consumer, tmp_path: Path) -> None:
    job = consumer.finished()

    report = job.download(tmp_path / "new")

    contents = {path.name: path.read_text() for path in report}
    assert report.failures == {}
    assert json.loads(contents["report.json"]) == {"sum": 3}
    assert contents["table.csv"] == "a,b"
    assert "summed 2 numbers" in contents["algorithm.log"]
    assert {path.name for path in results(tmp_path)} == {"report.json", "table.csv"}


def test_results_and_logs_are_read_without_a_folder(world: World, consumer: Consumer) -> None:
    job = consumer.finished()

    found = {file.name for file in job.files() if not file.is_log}
    assert found == world.listed("report.json", "table.csv")
    assert "algorithm.log" in {file.name for file in job.files() if file.is_log}
    assert "summed 2 numbers" in job.logs()
    assert job.result_json() == {"sum": 3}
    assert job.open("table.csv").read() == b"a,b"
    with pytest.raises(JobError):
        job.open("nothing.csv")


def test_a_job_without_output_is_told_apart_from_one_whose_results_are_withheld(
    world: World, consumer: Consumer, tmp_path: Path
) -> None:
    world.go_wrong(StuckJob(1))
    waiting = consumer.submit()

    assert list(waiting.files()) == []
    with pytest.raises(JobError) as caught:
        waiting.download(tmp_path)
    assert not isinstance(caught.value, ResultsWithheld)
    waiting.stop()


def test_withheld_results_are_an_error_and_never_empty(
    world: World, consumer: Consumer, tmp_path: Path
) -> None:
    job = consumer.finished()
    world.go_wrong(WithholdResults())

    for call in (job.result, job.files, job.logs, lambda: job.download(tmp_path)):
        with pytest.raises(ResultsWithheld):
            call()

    assert list(tmp_path.iterdir()) == []


def test_results_that_are_withheld_once_are_asked_for_again(
    world: World, consumer: Consumer
) -> None:
    job = consumer.finished()
    world.go_wrong(WithholdResults(times=1))

    assert job.result_json() == {"sum": 3}
    assert world.happened() == 1


def test_a_file_whose_answer_is_lost_is_asked_for_again(
    world: World, consumer: Consumer, tmp_path: Path
) -> None:
    job = consumer.finished()
    world.go_wrong(Drop("results", times=1))

    report = job.download(tmp_path)

    assert world.happened() == 1
    assert report.failures == {}
    assert {path.name for path in results(tmp_path)} == {"report.json", "table.csv"}


@pytest.mark.parametrize("size", [3, 3 << 20], ids=["small", "large"])
def test_a_transfer_that_breaks_is_resumed_and_the_file_is_whole(
    world: World, consumer: Consumer, size: int, tmp_path: Path
) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    write = f"(outputs / 'out.bin').write_bytes(bytes(range(256)) * {size // 256 + 1})\n"
    job = consumer.finished(PLACES + write)
    world.go_wrong(CutShort("results", times=2))

    report = job.download(tmp_path)

    assert world.happened() == 2
    assert report.failures == {}
    assert [path.read_bytes() for path in results(tmp_path)] == [content]


def test_a_transfer_that_keeps_failing_leaves_no_file(
    world: World, consumer: Consumer, tmp_path: Path
) -> None:
    job = consumer.finished()
    world.go_wrong(Unavailable("results"))

    with pytest.raises(OSError):
        job.download(tmp_path)

    assert list(tmp_path.rglob("*")) == []


def test_odd_names_stay_in_the_folder_and_none_is_lost(consumer: Consumer, tmp_path: Path) -> None:
    job = wrote(consumer, {name: name for name in ODD_NAMES})
    folder = tmp_path / "new"

    job.download(folder)

    there = results(tmp_path)
    assert sorted(path.read_text() for path in there) == sorted(ODD_NAMES)
    assert all(folder in path.parents for path in there)
    assert len({str(path).casefold() for path in there}) == len(ODD_NAMES)
    assert "con" not in {path.name for path in there}


def test_two_downloads_into_one_folder_are_both_there(consumer: Consumer, tmp_path: Path) -> None:
    first, second = (wrote(consumer, {"out.txt": text}) for text in ("first", "second"))

    first.download(tmp_path)
    second.download(tmp_path)

    assert sorted(path.read_text() for path in results(tmp_path)) == ["first", "second"]


def test_a_large_result_comes_whole(consumer: Consumer, tmp_path: Path) -> None:
    job = consumer.finished(PLACES + "(outputs / 'large').write_bytes(bytes(3 << 20))\n")

    job.download(tmp_path)

    assert [path.stat().st_size for path in results(tmp_path)] == [3 << 20]


def wrote(consumer: Consumer, files: dict[str, str]) -> ComputeJob:
    """Return a finished job that left these files."""
    write = f"for name, text in {files!r}.items():\n    (outputs / name).write_text(text)\n"
    return consumer.finished(PLACES + write)
