"""The text in a log that a container engine has framed."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.backends.node.docker_frames import unframed
from tests.vectors import nodes

PIECES = st.lists(st.integers(1, 40), max_size=30)
FRAMES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=60)), max_size=8)


def framed(stream: int, text: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Cut data into pieces of these sizes; what is left is the last."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


@given(FRAMES, PIECES)
def test_frames_give_their_texts_however_they_are_cut(
    frames: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    data = b"".join(framed(stream, text) for stream, text in frames)

    assert b"".join(unframed(cut(data, sizes))) == b"".join(text for _, text in frames)


@given(st.binary(min_size=1, max_size=80).filter(lambda text: text[0] > 2), PIECES)
def test_plain_text_passes_unchanged(text: bytes, sizes: list[int]) -> None:
    assert b"".join(unframed(cut(text, sizes))) == text


@given(st.binary(max_size=80), PIECES)
def test_any_bytes_give_bytes(data: bytes, sizes: list[int]) -> None:
    assert len(b"".join(unframed(cut(data, sizes)))) <= len(data)


def test_text_after_the_frames_passes() -> None:
    assert b"".join(unframed([framed(1, b"a\n"), b"(the engine is gone)"])) == (
        b"a\n(the engine is gone)"
    )


def test_a_recorded_log_is_read() -> None:
    # 12-free-result-variants.json
    log = base64.b64decode(
        "AQAAAAAAACxpbnB1dHMgWydhbGdvQ3VzdG9tRGF0YS5qc29uJywgJ3RhYmxlLmNzdiddCgEAAAAAAAAJdG90YWwgNDIK"
    )

    assert b"".join(unframed([log])) == b"inputs ['algoCustomData.json', 'table.csv']\ntotal 42\n"


def test_a_recorded_stream_is_read_chunk_by_chunk() -> None:
    stream = next(one for one in nodes.load("13") if (one.get("response") or {}).get("chunks"))
    sizes = [size for _, size in stream["response"]["chunks"]]

    lines = b"".join(unframed(cut(nodes.body_of(stream), sizes))).decode().splitlines()

    assert lines[:4] == ["tick 0", "tick 1", "tick 2", "to stderr"]


def test_the_words_of_a_node_that_started_no_container_pass() -> None:
    log = next(
        nodes.body_of(one)
        for one in nodes.load("33")
        if one["request"]["query"].get("index") == "2"
    )

    assert b"".join(unframed(cut(log, [3, 10]))) == log
    assert log.startswith(b"(HTTP code 400)")
