"""Which image and entry point run a file of code: by its suffix, unless they are given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

_EXAMPLE = "python:3.11-slim"
_DIGEST = "@sha256"


@dataclass(frozen=True)
class Language:
    """How code of one language is run.

    Attributes:
        name: as a job's description has it.
        image: a container's image, with its tag.
        entrypoint: the command; `$ALGO` stands for the code's path.
    """

    name: str
    image: str
    entrypoint: str


LANGUAGES = {
    ".py": Language("python", _EXAMPLE, "python3 $ALGO"),
    ".js": Language("javascript", "node:22-slim", "node $ALGO"),
    ".R": Language("R", "r-base:4.4.1", "Rscript $ALGO"),
    ".sh": Language("shell", "debian:12-slim", "bash $ALGO"),
}


def language_of(code: Path) -> str:
    """Return the name of the language, or the suffix of one that is not known."""
    known = _known(code)
    return known.name if known else code.suffix.removeprefix(".")


def container_of(
    code: Path, image: str | None, tag: str | None, entrypoint: str | None
) -> dict[str, str]:
    """Return the container to run a file in.

    Args:
        code: the file.
        image: NAME, NAME:TAG or NAME@sha256:DIGEST; None for that of the suffix.
        tag: of an image without one.
        entrypoint: the command; None for that of the suffix.

    Raises:
        click.UsageError: the suffix is not known, or the image has no tag or two of them.
    """
    known = _known(code)
    if known is None and not (image and entrypoint):
        raise click.UsageError(
            f"No image and entry point are known for {code.name}, only for "
            f"{', '.join(LANGUAGES)}. Give --image and --entrypoint, such as --image "
            f"{_EXAMPLE} --entrypoint 'python3 $ALGO'."
        )
    name, own_tag = _split(image or (known.image if known else ""))
    if image and own_tag and tag:
        raise click.UsageError(f"--image {image} has a tag already: leave --tag out.")
    if not (tag or own_tag):
        raise click.UsageError(f"--image {image} needs a tag, such as {_EXAMPLE}.")
    command = entrypoint or (known.entrypoint if known else "")
    return {"image": name, "tag": tag or own_tag, "entrypoint": command}


def _known(code: Path) -> Language | None:
    suffix = code.suffix.lower()
    return next((one for end, one in LANGUAGES.items() if end.lower() == suffix), None)


def _split(image: str) -> tuple[str, str]:
    """Return name and tag; of an image with a digest, what pulls exactly that one."""
    name, has_digest, digest = image.partition(f"{_DIGEST}:")
    place, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:  # a colon before a slash is a registry's port
        place, tag = name, ""
    return (f"{place}{_DIGEST}", digest) if has_digest else (place, tag)
