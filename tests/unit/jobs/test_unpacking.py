"""An archive of results: unpacked safely, whole or not at all, without holding it in memory."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.exceptions import ConnectionBroken, DownloadError, OceanError, ResponseTooLarge
from ocean_lib.jobs import unpacking
from ocean_lib.jobs.unpacking import read_members, unpack
from tests.vectors import nodes

OPERATION = "download outputs.tar"


def archive(
    *members: tarfile.TarInfo | tuple[str, bytes], format: int = tarfile.USTAR_FORMAT
) -> bytes:
    """Make an archive of files, given by name and content, and of other members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def in_pieces(data: bytes, size: int = 700) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


NAME = "outputs.tar"
PLENTY = 10**9


def unpacked(data: bytes, folder: Path) -> unpacking.Unpacked:
    return unpack(in_pieces(data), folder, NAME, max_bytes=PLENTY)


def failing(data: bytes, folder: Path) -> None:
    """Unpack an archive that fails as a whole, and raise what is wrong with it."""
    raise unpacked(data, folder).failures[NAME]


def test_files_come_out_below_the_folder_without_the_top_one(tmp_path: Path) -> None:
    data = archive(
        special("outputs/", tarfile.DIRTYPE),
        ("outputs/a.json", b"{}"),
        ("outputs/deep/b.txt", b"b" * 5000),
        ("outputs/empty", b""),
    )

    done = unpacked(data, tmp_path)

    assert not done.failures
    assert [path.relative_to(tmp_path).as_posix() for path in done.paths] == [
        "a.json",
        "deep/b.txt",
        "empty",
    ]
    assert (tmp_path / "deep/b.txt").read_bytes() == b"b" * 5000


@pytest.mark.parametrize("number", ["10", "28"])
def test_a_recorded_archive_is_unpacked(number: str, tmp_path: Path) -> None:
    data = next(
        nodes.body_of(one)
        for one in nodes.load(number)
        if nodes.body_of(one).startswith(b"outputs/")
    )

    done = unpacked(data, tmp_path)

    assert [path.name for path in done.paths] == (["result.json"] if number == "10" else [])
    assert len(data) >= 1536


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (special("outputs/link", tarfile.SYMTYPE, "/etc/passwd"), "link"),
        (special("outputs/hard", tarfile.LNKTYPE, "outputs/a"), "link"),
        (special("outputs/pipe", tarfile.FIFOTYPE), "not a plain file"),
        (special("outputs/dev", tarfile.CHRTYPE), "not a plain file"),
        (("outputs/../../evil", b"x"), "leads out"),
        (("/etc/evil", b"x"), "leads out"),
        (("outputs/" + "d/" * 40 + "x", b"x"), "deep"),
        (("outputs/" + f"{'d' * 150}/" * 12 + "x", b"x"), "1024 characters"),
    ],
)
def test_what_is_no_plain_file_below_is_refused_and_the_rest_comes(
    member: tarfile.TarInfo | tuple[str, bytes], why: str, tmp_path: Path
) -> None:
    folder = tmp_path / "in" / "here"

    data = archive(member, ("outputs/good", b"good"), format=tarfile.PAX_FORMAT)

    done = unpacked(data, folder)

    assert [path.name for path in done.paths] == ["good"]
    (failure,) = done.failures.values()
    assert why in str(failure)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["good", "here", "in"]


def test_a_link_and_a_file_through_it_stay_inside(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    outside.mkdir()
    data = archive(
        special("outputs/door", tarfile.SYMTYPE, str(outside)), ("outputs/door/evil", b"x")
    )

    done = unpacked(data, folder)

    assert [path.relative_to(folder).as_posix() for path in done.paths] == ["door/evil"]
    assert list(outside.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")

    done = unpacked(archive(("outputs/a", b"1"), ("outputs/a", b"2")), tmp_path)

    assert (tmp_path / "a").read_text() == "mine"
    assert len(set(done.paths)) == 2
    assert sorted(path.read_bytes() for path in done.paths) == [b"1", b"2"]


def test_names_that_a_platform_refuses_are_made_safe(tmp_path: Path) -> None:
    done = unpacked(archive(("outputs/con/a:b?.txt", b"x")), tmp_path)

    assert [path.relative_to(tmp_path).as_posix() for path in done.paths] == ["con_/a_b_.txt"]


@pytest.mark.parametrize("left", [0, 100, 512, 600, 1024, 3000])
def test_an_archive_that_is_cut_short_is_an_error(left: int, tmp_path: Path) -> None:
    data = archive(("outputs/a", b"a" * 5000))

    with pytest.raises(DownloadError, match="cut short"):
        failing(data[:left], tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_its_end_is_an_error(tmp_path: Path) -> None:
    data = archive(("outputs/a", b"a" * 512))

    with pytest.raises(DownloadError, match="its end is missing"):
        failing(data[:1024], tmp_path)


def test_a_transfer_that_breaks_is_told_as_such(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield archive(("outputs/a", b"a" * 5000))[:2000]
        raise ConnectionBroken("The connection broke.")

    with pytest.raises(ConnectionBroken):
        raise unpack(broken(), tmp_path, NAME, max_bytes=PLENTY).failures[NAME]

    assert list(tmp_path.iterdir()) == []


def test_more_files_than_a_folder_should_have_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILES", 3)

    with pytest.raises(DownloadError, match="more than 3 files"):
        failing(archive(*((f"outputs/{i}", b"") for i in range(4))), tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def endless(info: tarfile.TarInfo) -> Iterator[bytes]:
    """An archive whose one file says how long it is, and has that much."""
    yield archive(("outputs/first", b"1"))[:1024] + info.tobuf(tarfile.GNU_FORMAT)
    while True:
        yield bytes(65536)


def test_a_file_that_says_that_it_is_too_long_is_refused_before_it_is_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("outputs/bomb")
    info.size = 2**40
    read = 0

    def counted() -> Iterator[bytes]:
        nonlocal read
        for piece in endless(info):
            read += len(piece)
            yield piece

    done = unpack(counted(), tmp_path, NAME, max_bytes=10**6)

    assert isinstance(done.failures[NAME], ResponseTooLarge)
    assert read < 200_000
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_files_that_are_too_long_together_are_refused(tmp_path: Path) -> None:
    data = archive(*((f"outputs/{name}", b"x" * 600) for name in "abc"))

    done = unpack(in_pieces(data), tmp_path, NAME, max_bytes=1500)

    assert [path.name for path in done.paths] == ["a", "b"]
    with pytest.raises(ResponseTooLarge, match="1500 bytes"):
        raise done.failures[NAME]


def test_a_file_in_the_place_of_a_folder_keeps_only_what_is_below_it_away(tmp_path: Path) -> None:
    data = archive(("outputs/a", b"1"), ("outputs/a/b/c", b"2"), ("outputs/d", b"3"))

    done = unpacked(data, tmp_path)

    assert [path.name for path in done.paths] == ["a", "d"]
    assert list(done.failures) == ["outputs/a/b/c"]


def test_what_came_whole_before_an_archive_broke_is_kept_and_named(tmp_path: Path) -> None:
    data = archive(("outputs/a", b"a" * 600), ("outputs/b", b"b" * 5000))

    done = unpacked(data[:3000], tmp_path)

    assert [path.name for path in done.paths] == ["a"]
    assert list(tmp_path.iterdir()) == done.paths
    assert "cut short" in str(done.failures[NAME])


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory_is_refused(kind: bytes, tmp_path: Path) -> None:
    header = special("x", kind)
    header.size = 8 * 1024**3
    endless = (bytes(65536) for _ in range(10**9))

    def pieces() -> Iterator[bytes]:
        yield header.tobuf(tarfile.GNU_FORMAT)
        yield from endless

    with pytest.raises(DownloadError, match="too long"):
        raise unpack(pieces(), tmp_path, NAME, max_bytes=PLENTY).failures[NAME]


def test_long_names_are_read(tmp_path: Path) -> None:
    name = "outputs/" + "n" * 120
    for number, form in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        done = unpacked(archive((name, b"x"), format=form), tmp_path / str(number))
        assert [path.name for path in done.paths] == ["n" * 120]


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    size = 64 * 1024 * 1024
    info = tarfile.TarInfo("outputs/big")
    info.size = size

    def pieces() -> Iterator[bytes]:
        yield info.tobuf(tarfile.USTAR_FORMAT)
        for _ in range(size // 65536):
            yield bytes(65536)
        yield bytes(1024)

    tracemalloc.start()
    done = unpack(pieces(), tmp_path, NAME, max_bytes=PLENTY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert done.paths[0].stat().st_size == size
    assert peak < 4 * 1024 * 1024


@given(data=st.binary(max_size=3000), start=st.integers(0, 3000))
def test_any_bytes_give_files_or_an_error_of_ours(
    data: bytes, start: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = archive(("outputs/a", b"a" * 600), ("outputs/b", b""))
    mixed = good[:start] + data + good[start + len(data) :]

    with contextlib.suppress(OceanError):
        unpacked(mixed, tmp_path_factory.mktemp("any"))


def test_single_files_are_read_by_name() -> None:
    data = archive(("outputs/a.json", b"1"), ("outputs/b", b"2"), ("outputs/deep/c.json", b"3"))

    found = read_members(in_pieces(data), lambda name: name.endswith(".json"), 100, OPERATION)

    assert found == {"a.json": b"1", "deep/c.json": b"3"}


def test_a_file_too_long_for_memory_is_refused() -> None:
    data = archive(("outputs/a", b"x" * 101))

    with pytest.raises(ResponseTooLarge, match="Use download"):
        read_members(in_pieces(data), lambda _: True, 100, OPERATION)


def test_names_that_differ_in_case_only_are_two_files_everywhere(tmp_path: Path) -> None:
    data = archive(("outputs/Same.TXT", b"one"), ("outputs/same.txt", b"two"))

    done = unpacked(data, tmp_path)

    assert [path.read_bytes() for path in done.paths] == [b"one", b"two"]
    assert len({path.name.casefold() for path in done.paths}) == 2
