"""What a node does for a publisher: it encrypts, checks and signs documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.node import calls
from ocean_lib.backends.node.asset_findings import NodeFile
from ocean_lib.backends.node.wire import NodeWire
from ocean_lib.backends.signing import Credential
from ocean_lib.exceptions import MalformedResponse
from ocean_lib.models.file_input import FileInput
from ocean_lib.web3_internal.signer import Signer, signer_address


def as_text(value: Any) -> bytes:
    """Return JSON as a node writes it, without blanks: checksums are made over that."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class NodePublisher:
    """One node's calls for publishers.

    Args:
        wire: its calls.
    """

    def __init__(self, wire: NodeWire) -> None:
        self._wire = wire
        self.root = wire.root

    def encrypt(self, value: Any, chain_id: int, signer: Signer) -> str:
        """Return JSON as the node encrypts it for itself, as `0x` text; signed.

        Args:
            value: what to encrypt.
            chain_id: the chain that it is for.
            signer: the publisher's.

        Raises:
            ProviderNotTrusted: the config does not name the node; nothing was sent.
            ProviderError: the node refuses.
        """
        owner, url = signer_address(signer), self._wire.url_of("encrypt")

        def send(given: Credential) -> str:
            content = as_text(value)
            return calls.encrypt(self._wire.http, url, owner, chain_id, content, given)

        return self._wire.signed(JobRef("", "", owner), signer, calls.ENCRYPT, send)

    def check(self, document: dict[str, Any]) -> None:
        """Let the node check a document; unsigned.

        Raises:
            InvalidInput: it refuses the document; the message says why.
        """
        self._wire.read(
            "validateDDO", lambda http, url: calls.validate(http, url, "", document, None)
        )

    def validated(self, document: dict[str, Any], signer: Signer) -> str:
        """Let the node check and sign a document; returns its hash, `0x` text.

        Raises:
            InvalidInput: it refuses the document.
            MalformedResponse: it signs another hash, by which its indexer would not find it.
        """
        owner, url = signer_address(signer), self._wire.url_of("validateDDO")

        def send(given: Credential) -> str:
            return calls.validate(self._wire.http, url, owner, document, given)

        found = self._wire.signed(JobRef("", "", owner), signer, calls.VALIDATE, send)
        ours = "0x" + hashlib.sha256(as_text(document)).hexdigest()
        if found and found.lower() != ours:
            raise MalformedResponse(
                f"Could not validate the document: the node signed the hash {found}, and that of "
                f"the document is {ours}. Nothing was sent to the chain.",
                operation="validate",
            )
        return ours

    def reaches(self, url: str) -> bool:
        """Tell whether the node reads anything at a URL."""
        file = FileInput(url)
        return self._wire.read("fileInfo", lambda http, at: calls.file_reaches(http, at, file))

    def files(self, did: str, service_id: str) -> Sequence[NodeFile]:
        """Ask for the files of a published service, with the checksums of their contents."""
        return self._wire.read(
            "fileInfo", lambda http, url: calls.published_files(http, url, did, service_id)
        )
