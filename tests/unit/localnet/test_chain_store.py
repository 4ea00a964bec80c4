"""The chain's SQLite file: blocks in one piece, logs by what they are."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.localnet.chain.store import (
    ChainStore,
    ChainUnusableError,
    LogQuery,
    StoreClosedError,
    StoredLog,
)


@pytest.fixture
def store() -> Iterator[ChainStore]:
    store = ChainStore()
    yield store
    store.close()


def log(number: int, index: int = 0, address: int = 1, topics: tuple[int, ...] = ()) -> StoredLog:
    return StoredLog(
        block_number=number,
        log_index=index,
        block_hash=number.to_bytes(32, "big"),
        tx_hash=b"\x77" * 32,
        address=bytes([address]) * 20,
        topics=tuple(topic(number) for number in topics),
        data=b"some data",
    )


def topic(number: int) -> bytes:
    return bytes([number]) * 32


def test_what_is_written_is_read_and_what_is_deleted_is_gone(store: ChainStore) -> None:
    store.write_block([(b"a", b"1"), (b"b", b"")])
    store.write_block([(b"a", b"2")], deleted=[b"b", b"never there"])

    assert store[b"a"] == b"2"
    assert b"b" not in store
    with pytest.raises(KeyError):
        store[b"b"]


def test_a_block_that_cannot_be_written_whole_leaves_nothing(store: ChainStore) -> None:
    store.write_block([], logs=[log(1)])

    with pytest.raises(sqlite3.IntegrityError):
        store.write_block([(b"a", b"1")], logs=[log(2), log(1)])  # log 0 of block 1 exists

    assert b"a" not in store
    assert store.find_logs(LogQuery(0, 10)) == [log(1)]


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    first = ChainStore(tmp_path / "chain.db")
    first.write_block([(b"a", b"1")], logs=[log(3, topics=(1, 2))])
    first.close()

    second = ChainStore(tmp_path / "chain.db")

    assert second[b"a"] == b"1"
    assert second.find_logs(LogQuery(3, 3)) == [log(3, topics=(1, 2))]
    second.close()


def test_a_closed_store_says_so_and_closes_twice(store: ChainStore) -> None:
    store.close()
    store.close()

    with pytest.raises(StoreClosedError):
        store[b"a"]


def test_a_file_that_is_open_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocean_lib.localnet.chain.store._WAIT_FOR_FILE_S", 0.0)
    first = ChainStore(tmp_path / "chain.db")

    with pytest.raises(ChainUnusableError, match=r"chain\.db: database is locked.*Stop that"):
        ChainStore(tmp_path / "chain.db")
    first.close()


def test_a_file_that_is_no_chain_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database at all, but long enough for a header" * 10)

    with pytest.raises(ChainUnusableError, match="not a database"):
        ChainStore(path)

    assert path.read_text().startswith("no database")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE kv (other)")
    other.commit()
    other.close()

    with pytest.raises(ChainUnusableError, match="its version is 0"):
        ChainStore(path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChainUnusableError, match=r"missing.*unable to open"):
        ChainStore(tmp_path / "missing" / "chain.db")


def test_logs_come_in_the_order_they_were_emitted(store: ChainStore) -> None:
    store.write_block([], logs=[log(2, 1), log(1, 0), log(2, 0)])

    found = store.find_logs(LogQuery(0, 9))

    assert [(one.block_number, one.log_index) for one in found] == [(1, 0), (2, 0), (2, 1)]


def test_a_topic_position_left_open_still_needs_a_topic_there(store: ChainStore) -> None:
    store.write_block([], logs=[log(1, 0, topics=(5,)), log(1, 1, topics=(5, 6))])

    found = store.find_logs(LogQuery(0, 9, topics=((), ())))

    assert [one.log_index for one in found] == [1]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.lists(st.integers(1, 3), max_size=4).map(tuple)),
        max_size=8,
    ),
    st.sets(st.integers(1, 3), max_size=2),
    st.lists(st.sets(st.integers(1, 3), max_size=2), max_size=4),
)
def test_the_index_finds_exactly_what_a_scan_finds(
    emitted: list[tuple[int, tuple[int, ...]]], addresses: set[int], wanted: list[set[int]]
) -> None:
    logs = [log(1, index, address, topics) for index, (address, topics) in enumerate(emitted)]
    store = ChainStore()
    store.write_block([], logs=logs)

    found = store.find_logs(
        LogQuery(
            0,
            9,
            tuple(bytes([address]) * 20 for address in addresses),
            tuple(tuple(topic(number) for number in choices) for choices in wanted),
        )
    )
    store.close()

    expected = [
        one
        for one, (address, topics) in zip(logs, emitted, strict=True)
        if (not addresses or address in addresses)
        and len(topics) >= len(wanted)
        and all(not choices or topics[i] in choices for i, choices in enumerate(wanted))
    ]
    assert found == expected


def test_readers_never_see_half_a_block(store: ChainStore) -> None:
    store.write_block([(b"a", b"0"), (b"b", b"0")])
    done = threading.Event()

    def write() -> None:
        for number in range(200):
            value = str(number).encode()
            store.write_block([(b"a", value), (b"b", value)], logs=[log(number)])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        # a is read first, so that b can only be newer
        assert int(store[b"a"]) <= int(store[b"b"])
        numbers = [one.block_number for one in store.find_logs(LogQuery(0, 999))]
        assert numbers == list(range(len(numbers)))
    writer.join()
