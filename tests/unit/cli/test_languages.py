"""A file's suffix says how it is run, and what is given counts more."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from ocean_lib.cli.languages import LANGUAGES, container_of, language_of
from ocean_lib.models.algorithm_metadata import container_faults


@pytest.mark.parametrize(
    ("name", "language", "image", "tag", "entrypoint"),
    [
        ("run.py", "python", "python", "3.11-slim", "python3 $ALGO"),
        ("run.js", "javascript", "node", "22-slim", "node $ALGO"),
        ("run.R", "R", "r-base", "4.4.1", "Rscript $ALGO"),
        ("run.r", "R", "r-base", "4.4.1", "Rscript $ALGO"),
        ("run.sh", "shell", "debian", "12-slim", "bash $ALGO"),
    ],
)
def test_a_suffix_has_an_image_and_an_entry_point(
    name: str, language: str, image: str, tag: str, entrypoint: str
) -> None:
    container = container_of(Path(name), None, None, None)

    assert container == {"image": image, "tag": tag, "entrypoint": entrypoint}
    assert language_of(Path(name)) == language


def test_every_language_can_be_run() -> None:
    for suffix in LANGUAGES:
        assert container_faults(container_of(Path(f"a{suffix}"), None, None, None)) == {}


@pytest.mark.parametrize(
    ("image", "tag", "found"),
    [
        ("python:3.12", None, ("python", "3.12")),
        (None, "3.12", ("python", "3.12")),
        ("me/torch", "2", ("me/torch", "2")),
        ("ghcr.io:443/me/torch:2", None, ("ghcr.io:443/me/torch", "2")),
        ("localhost:5000/torch", "2", ("localhost:5000/torch", "2")),
        (f"python@sha256:{'a' * 64}", None, ("python@sha256", "a" * 64)),
        (f"python:3.12@sha256:{'a' * 64}", None, ("python@sha256", "a" * 64)),
    ],
)
def test_an_image_is_given_as_it_is_pulled(
    image: str | None, tag: str | None, found: tuple[str, str]
) -> None:
    container = container_of(Path("run.py"), image, tag, None)

    assert (container["image"], container["tag"]) == found
    assert container["entrypoint"] == "python3 $ALGO"
    assert container_faults(container) == {}


def test_code_of_any_suffix_runs_where_image_and_entry_point_are_given() -> None:
    container = container_of(Path("run.jl"), "julia:1.10", None, "julia $ALGO")

    assert container == {"image": "julia", "tag": "1.10", "entrypoint": "julia $ALGO"}
    assert language_of(Path("run.jl")) == "jl"


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("run.jl", (None, None, None), "for run.jl, only for .py, .js, .R, .sh. Give --image and"),
        ("run", ("julia:1", None, None), "No image and entry point are known for run,"),
        ("run.py", ("torch", None, None), "--image torch needs a tag"),
        ("run.py", ("localhost:5000/torch", None, None), "needs a tag"),
        ("run.py", ("torch:1", "2", None), "--image torch:1 has a tag already"),
    ],
)
def test_what_is_not_known_is_asked_for(
    name: str, given: tuple[str | None, str | None, str | None], said: str
) -> None:
    with pytest.raises(click.UsageError, match=said):
        container_of(Path(name), *given)
