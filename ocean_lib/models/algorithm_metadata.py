"""The description of an algorithm that is sent along with a job instead of being published."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ocean_lib.base.advice import Advice
from ocean_lib.checks import printable
from ocean_lib.exceptions import InvalidInput

_TEXT_KEYS = ("url", "rawcode", "language", "format", "version")
_CONTAINER_KEYS = ("entrypoint", "image", "tag")
# The engines replace these characters, and no other spelling; the path is the same everywhere.
_ALGORITHM = re.compile(r"(?:\$ALGO|/transformations/algorithm)(?![\w./-])")
_WORD = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_IMAGE = re.compile(rf"(?:[\w.-]+(?::\d+)?/)?{_WORD}(?:/{_WORD})*(?:@sha256)?", re.ASCII)
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


class AlgorithmMetadata:
    """A raw algorithm: its code or URL, and the container it runs in.

    Attributes:
        url: where the code is, or ''.
        rawcode: the code itself, or ''.
        language: for example `python`.
        format: for example `docker-image`.
        version: the algorithm's version, as text.
        container_entry_point: the command; `$ALGO` stands for the code's path.
        container_image: name of the image.
        container_tag: tag of the image.
        container_checksum: digest of the image (`sha256:…`), or ''; for Ocean Nodes, which run
            exactly that image then, with or without a tag. A V3 Provider is not sent it.

    Args:
        metadata_dict: the keys `url`, `rawcode`, `language`, `format`, `version` and `container`
            (a dict of `entrypoint`, `image`, `tag` and `checksum`), each optional. Other keys are
            left out, as a published algorithm's description may have more of them.

    Raises:
        InvalidInput: it is no dict, a value is no text, or a key is one of these in another
            spelling (`rawCode`), whose value would be lost without a word.
    """

    def __init__(self, metadata_dict: Mapping[str, Any]) -> None:
        texts = _texts(metadata_dict, _TEXT_KEYS, "metadata_dict", other_keys=("container",))
        self.url = texts["url"]
        self.rawcode = texts["rawcode"]
        self.language = texts["language"]
        self.format = texts["format"]
        self.version = texts["version"]

        container = _texts(
            metadata_dict.get("container", {}),
            (*_CONTAINER_KEYS, "checksum"),
            "metadata_dict['container']",
        )
        self.container_entry_point = container["entrypoint"]
        self.container_image = container["image"]
        self.container_tag = container["tag"]
        self.container_checksum = container["checksum"]

    def is_valid(self) -> bool:
        """Tell whether the container is described in full: image, tag or digest, entry point."""
        described = {**self.container, "checksum": self.container_checksum}
        return "container-incomplete" not in container_faults(described)

    @property
    def container(self) -> dict[str, str]:
        """The container as the Provider's `algorithmMeta` has it."""
        found: dict[str, str] = self.as_dictionary()["container"]
        return found

    def faults(self) -> dict[str, str]:
        """Say why no back end would run this code.

        Returns:
            What is wrong, in words, by the code of its finding (docs/preflight.md).
        """
        described = self.as_dictionary()
        container = {**described["container"], "checksum": self.container_checksum}
        found = container_faults(container)
        if not (self.rawcode.strip() or self.url.strip()):
            found["no-code"] = str(Advice.of("no-code"))
        try:
            json.dumps(described, ensure_ascii=False, default=repr).encode()
        except UnicodeEncodeError:
            found["code-not-text"] = (
                "The code or its description holds half a character (a lone surrogate), which "
                "cannot be written as UTF-8. Read the file as UTF-8, without errors= of open()."
            )
        return found

    def as_dictionary(self) -> dict[str, Any]:
        """Return the description as the Provider's `algorithmMeta`."""
        return {
            "url": self.url,
            "rawcode": self.rawcode,
            "language": self.language,
            "format": self.format,
            "version": self.version,
            "container": {
                "entrypoint": self.container_entry_point,
                "image": self.container_image,
                "tag": self.container_tag,
            },
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AlgorithmMetadata):
            return NotImplemented
        is_same_image = self.container_checksum == other.container_checksum
        return is_same_image and self.as_dictionary() == other.as_dictionary()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Neither code nor URL: the one may be long, the other may carry a token.
        source = "code" if self.rawcode else "URL" if self.url else "image only"
        image = f"{self.container_image}:{self.container_tag}"
        return f"AlgorithmMetadata({source}, image={printable(image)})"


def container_faults(container: Mapping[str, Any]) -> dict[str, str]:
    """Say why no back end would run an algorithm in this container.

    Args:
        container: a dict of `entrypoint`, `image`, and `tag` or `checksum`, whoever wrote it.

    Returns:
        What is wrong, in words, by the code of its finding (docs/preflight.md).
    """
    needed = (
        container.get("entrypoint"),
        container.get("image"),
        container.get("tag") or container.get("checksum"),
    )
    for value in needed:
        if not (isinstance(value, str) and value.strip()):
            has = ", ".join(f"{key} {printable(container.get(key))}" for key in _CONTAINER_KEYS)
            return {
                "container-incomplete": "The algorithm's container is not complete: it needs "
                "image, tag and entrypoint, such as python, 3.8, python3 $ALGO, and has "
                f"{has}."
            }
    found = {}
    entrypoint, image = str(container["entrypoint"]), str(container["image"])
    tag, digest = str(container.get("tag") or ""), container.get("checksum") or ""
    if not _ALGORITHM.search(entrypoint):
        found["entrypoint-without-algorithm"] = (
            f"The entry point {printable(entrypoint)} does not name the algorithm, so that it "
            "would never run. Write $ALGO where its path belongs, such as python3 $ALGO; a shell "
            "leaves it as it is in single quotes only."
        )
    if digest and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        found["image-digest-unusable"] = (
            f"The image's checksum {printable(digest)} is not a digest. Write sha256: and its 64 "
            "hex digits, as `docker images --digests` shows it, or leave it out."
        )
    if not _IMAGE.fullmatch(image) or not _TAG.fullmatch(tag or "latest"):
        found["image-unusable"] = (
            f"The image {printable(image)} with tag {printable(tag)} is not one that can be "
            "pulled. Write the image without its tag, in lower case, such as python; and the "
            "tag, such as 3.8."
        )
    return found


def _texts(
    values: object, keys: tuple[str, ...], name: str, *, other_keys: tuple[str, ...] = ()
) -> dict[str, str]:
    """Take the texts of these keys out of a dict, '' where there is none."""
    if not isinstance(values, Mapping):
        raise InvalidInput(f"{name} must be a dict, got {printable(values)}.")
    known = {_folded(key): key for key in (*keys, *other_keys)}
    for key in values:
        meant = known.get(_folded(key))
        if meant is not None and key != meant:
            raise InvalidInput(f"{name} has the key {printable(key)}; write it '{meant}'.")
    texts = {}
    for key in keys:
        value = values.get(key, "")
        if not isinstance(value, str):
            raise InvalidInput(
                f"{name}['{key}'] must be text, got {printable(value)}. "
                "Put it in quotes, or leave the key out."
            )
        texts[key] = value
    return texts


def _folded(key: object) -> str:
    return str(key).lower().replace("_", "").replace("-", "") if isinstance(key, str) else ""
