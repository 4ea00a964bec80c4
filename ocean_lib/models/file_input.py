"""An input of a compute job that is a file somewhere, not a published asset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocean_lib.checks import check_url, printable
from ocean_lib.exceptions import InvalidInput
from ocean_lib.http.redaction import safe_url

_METHODS = ("GET", "POST")
_WHERE = "url, ipfs, arweave or s3"


@dataclass(frozen=True)
class FileInput:
    """A file that an Ocean Node fetches for a job.

    Exactly one of `url`, `ipfs`, `arweave` and `s3` says where it is. The node fetches the file;
    it never passes through this machine.

    Args:
        url: http or https. Whoever runs the node sees it, with its query.
        method: `GET` or `POST`, for `url`.
        headers: sent along with the request for `url`.
        ipfs: a content id.
        arweave: a transaction id.
        s3: the object's place and keys, as the node's `s3Access` has them: `endpoint`, `bucket`,
            `objectKey`, `accessKeyId`, `secretAccessKey`, `region`. The node gets the keys.

    Raises:
        InvalidUrl: `url` is not an absolute http(s) URL.
        InvalidInput: none of them is given, or more than one, or one cannot be what it should.
    """

    url: str = ""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ipfs: str = ""
    arweave: str = ""
    s3: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        given = [name for name in ("url", "ipfs", "arweave", "s3") if getattr(self, name)]
        if len(given) != 1:
            raise InvalidInput(
                f"A FileInput needs exactly one of {_WHERE}, got {' and '.join(given) or 'none'}."
            )
        if self.url:
            check_url(self.url)
        for name in ("ipfs", "arweave"):
            if not isinstance(getattr(self, name), str):
                raise InvalidInput(f"{name} must be text, got {printable(getattr(self, name))}.")
        if self.method not in _METHODS:
            raise InvalidInput(f"method must be GET or POST, got {printable(self.method)}.")
        for name in ("headers", "s3"):
            value = getattr(self, name)
            if not isinstance(value, Mapping) or not all(
                isinstance(text, str) for pair in value.items() for text in pair
            ):
                raise InvalidInput(f"{name} must be a dict of texts, got {printable(value)}.")

    def as_file_object(self) -> dict[str, Any]:
        """Return the file as the node's `fileObject`."""
        if self.url:
            headers = {"headers": dict(self.headers)} if self.headers else {}
            return {"type": "url", "url": self.url, "method": self.method, **headers}
        if self.ipfs:
            return {"type": "ipfs", "hash": self.ipfs}
        if self.arweave:
            return {"type": "arweave", "transactionId": self.arweave}
        return {"type": "s3", "s3Access": dict(self.s3)}

    def __repr__(self) -> str:
        where = self.url and safe_url(self.url)
        return f"FileInput({where or self.ipfs or self.arweave or 'an S3 object'})"
