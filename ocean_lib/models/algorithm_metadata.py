"""The description of an algorithm that is sent along with a job instead of being published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ocean_lib.common.validation import printable
from ocean_lib.exceptions import InvalidInput

_TEXT_KEYS = ("url", "rawcode", "language", "format", "version")
_CONTAINER_KEYS = ("entrypoint", "image", "tag")


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

    Args:
        metadata_dict: the keys `url`, `rawcode`, `language`, `format`, `version` and `container`
            (a dict of `entrypoint`, `image`, `tag`), each optional. Other keys are left out, as a
            published algorithm's description may have more of them.

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
            metadata_dict.get("container", {}), _CONTAINER_KEYS, "metadata_dict['container']"
        )
        self.container_entry_point = container["entrypoint"]
        self.container_image = container["image"]
        self.container_tag = container["tag"]

    def is_valid(self) -> bool:
        """Tell whether the container is described in full: image, tag and entry point."""
        return bool(self.container_image and self.container_tag and self.container_entry_point)

    def as_json_str(self) -> str:
        """Return the description as JSON text."""
        return json.dumps(self.as_dictionary())

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
        return self.as_dictionary() == other.as_dictionary()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        # Neither code nor URL: the one may be long, the other may carry a token.
        source = "code" if self.rawcode else "URL" if self.url else "image only"
        image = f"{self.container_image}:{self.container_tag}"
        return f"AlgorithmMetadata({source}, image={printable(image)})"


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
