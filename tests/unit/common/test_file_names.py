"""A file name from a server never leaves the folder, on no platform; no file replaces another."""

from __future__ import annotations

import threading
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ocean_lib.exceptions import DownloadError, OceanError, RequestTimeout, ResponseTooLarge
from ocean_lib.http.files import (
    MAX_NAME_BYTES,
    name_in_headers,
    name_in_url,
    numbered,
    safe_file_name,
    write_whole,
)

RESERVED = {"CON", "PRN", "AUX", "NUL", *(d + n for d in ("COM", "LPT") for n in "123456789\xb9")}
NASTY = [
    *("", ".", "..", "...", " ", " . ", "/", "\\", "//", "\x00", "\n", "~", "-", "_", "__"),
    *("../../etc/passwd", "..\\..\\windows\\system32\\x", "/etc/passwd", "\\\\host\\share\\x"),
    *("C:\\x.txt", "C:x.txt", "c:", "a/../b", "a\\..\\b", "x.txt/", "x.txt\\", "....//x", "./x"),
    *("x\x00.txt", "x\r\nSet-Cookie: a", "x:stream", "x.txt:$DATA", "a|b", 'a"b', "a<b>c", "a*b?c"),
    *(
        "CON",
        "con",
        "nul.txt",
        "COM1",
        "LPT9.csv",
        "AUX.",
        "PRN ",
        "CON .txt",
        "COM1 ",
        "nul.tar.gz",
    ),
    *("x.", "x ", "x. .", ".hidden", ". x", "a" * 5000, "a" * 300 + ".csv", "a." + "b" * 400),
    *("é" * 300 + ".csv", "\U0001f600" * 100, "\u202excod.exe", "\ud800x", "\ufeffx", "a\u0000b"),
    *(
        "%2e%2e%2fx",
        "x%00",
        "\uff0e\uff0e\uff0fx",
        "\u2025",
        "\u2026",
        "\uff0fetc",
        "x\u2215y",
        "a" * 250 + "/b",
        "\x7f",
        "\x85",
        "COM\xb9.x",
    ),
]
any_name = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(NASTY)
ODD = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def stays_in_its_folder(name: str) -> None:
    assert name
    assert name not in (".", "..")
    assert len(name.encode("utf-8")) <= MAX_NAME_BYTES
    assert name == name.strip()
    assert not name.endswith(".")
    assert not name.startswith(".")
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|\x00')
    assert PurePosixPath(name).name == name
    windows = PureWindowsPath(name)
    assert windows.name == name
    assert not windows.drive
    assert not windows.root
    assert name.split(".")[0].strip().upper() not in RESERVED
    assert (Path("/a/b") / name).parent == Path("/a/b")


@ODD
@given(any_name)
def test_any_name_stays_in_its_folder(name: str) -> None:
    stays_in_its_folder(safe_file_name(name, "file-0"))


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_a_nasty_name_stays_in_its_folder(name: str) -> None:
    stays_in_its_folder(safe_file_name(name, "file-0"))


@pytest.mark.parametrize("name", ["data.csv", "a b (1).tar.gz", "résumé.pdf", "数据.json", "x"])
def test_a_good_name_stays_as_it_is(name: str) -> None:
    assert safe_file_name(name, "file-0") == name


@ODD
@given(any_name)
def test_any_header_gives_a_name_that_stays(value: str) -> None:
    for header in (
        value,
        f"attachment; filename={value}",
        f'attachment; filename="{value}"',
        f"attachment; filename*=UTF-8''{value}",
        f"attachment; filename*0*={value}; filename*1={value}",
    ):
        stays_in_its_folder(safe_file_name(name_in_headers(header), "file-0"))


@ODD
@given(any_name)
@example("http://[x/y")
def test_any_url_gives_a_name_that_stays(value: str) -> None:
    for url in (value, f"http://host/{value}", f"http://host/a/{value}?b=c"):
        stays_in_its_folder(safe_file_name(name_in_url(url), "file-0"))


@ODD
@given(any_name, st.integers(0, 10**6))
def test_a_numbered_name_stays(name: str, index: int) -> None:
    made = numbered(safe_file_name(name, "file-0"), index)

    assert PureWindowsPath(made).name == made
    assert len(made.encode()) <= MAX_NAME_BYTES + 10
    assert str(index) in made


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_name)
def test_a_file_of_any_name_lies_in_the_folder(tmp_path: Path, name: str) -> None:
    path = write_whole([b"x"], tmp_path / "in", safe_file_name(name, "file-0"), 0)

    assert path.parent == tmp_path / "in"
    assert path.read_bytes() == b"x"
    assert {found.parent for found in tmp_path.rglob("*") if found.is_file()} == {tmp_path / "in"}


def contents(folder: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in folder.iterdir())


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    paths: list[Path] = []
    for index, content in enumerate([b"1", b"2", b"3"]):
        paths.append(write_whole([content], tmp_path, "n.csv", index, taken=paths))

    assert len(set(paths)) == 3
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]


def test_nor_do_those_of_calls_after_each_other(tmp_path: Path) -> None:
    written = [write_whole([b"%d" % n], tmp_path, "n.csv", 0) for n in range(5)]

    assert len(set(written)) == 5
    assert contents(tmp_path) == [b"0", b"1", b"2", b"3", b"4"]


def test_the_same_content_again_is_the_same_file(tmp_path: Path) -> None:
    first = write_whole([b"x"], tmp_path, "n.csv", 0)

    assert write_whole([b"x"], tmp_path, "n.csv", 1) == first
    assert contents(tmp_path) == [b"x"]


def test_threads_that_write_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def work(number: int) -> None:
        ready.wait()
        write_whole([b"%d" % number], tmp_path, "n.csv", 0)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert contents(tmp_path) == [b"%d" % n for n in range(8)]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.csv", tmp_path / "in"
    folder.mkdir()
    (folder / "n.csv").symlink_to(outside)

    path = write_whole([b"x"], folder, "n.csv", 0)

    assert not outside.exists()
    assert path.parent == folder


@pytest.mark.parametrize(
    "failure", [RequestTimeout("too slow"), DownloadError("no"), ResponseTooLarge("long")]
)
def test_a_failed_transfer_leaves_nothing_behind(tmp_path: Path, failure: OceanError) -> None:
    def pieces():
        yield b"begun"
        raise failure

    with pytest.raises(type(failure)) as caught:
        write_whole(pieces(), tmp_path, "n.csv", 0)

    assert caught.value is failure
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["a file", "a file/below", "nul\x00byte", "n" * 300])
def test_a_folder_that_cannot_be_is_said_in_our_words(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_text("x")

    with pytest.raises(DownloadError, match="Check the folder") as caught:
        write_whole([b"x"], tmp_path / folder, "n.csv", 0)
    assert str(caught.value).isprintable()


def test_a_file_longer_than_allowed_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(ResponseTooLarge, match="longer than the 10 bytes"):
        write_whole([b"x" * 6, b"x" * 6], tmp_path, "n.csv", 0, max_bytes=10)
    assert list(tmp_path.iterdir()) == []
