"""A node's calls about documents: encrypt, decrypt, validate, describe files, find assets."""

from __future__ import annotations

import re
from typing import Any

from eth_utils.address import to_checksum_address
from flask import Response, request

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.node.assets import Assets
from ocean_lib.localnet.dialects.node.credentials import Credentials
from ocean_lib.localnet.dialects.node.indexer import Indexer, Unusable
from ocean_lib.localnet.dialects.node.node_key import ForeignText, compact
from ocean_lib.localnet.dialects.node.rules import Document
from ocean_lib.localnet.dialects.node.validation import VERSIONS, why_invalid
from ocean_lib.localnet.dialects.node.wire import (
    ASSETS,
    SERVICES,
    Refused,
    as_json,
    as_text,
    body_of,
    check_address,
    refusing,
    require,
    text_refusal,
)
from ocean_lib.localnet.http.routes import Endpoint
from ocean_lib.localnet.metadata.leaves import BadQuery

_DID = re.compile(r"did:op:[0-9a-fA-F]{64}")
_BINARY = "application/octet-stream; charset=utf-8"


class DocumentsApi:
    """The calls about documents.

    Args:
        assets: What was published.
        credentials: Who asks.
        indexer: Opens documents.
        chain: Where they are.
        peer_id: The node's name among nodes.
    """

    def __init__(
        self,
        assets: Assets,
        credentials: Credentials,
        indexer: Indexer,
        chain: ChainClient,
        peer_id: str,
    ) -> None:
        self._assets = assets
        self._credentials = credentials
        self._indexer = indexer
        self._chain = chain
        self._peer_id = peer_id

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        rows: list[tuple[str, Any]] = [
            (f"{SERVICES}/encrypt", self.encrypt),
            (f"{SERVICES}/encryptFile", self.encrypt_file),
            (f"{SERVICES}/decrypt", self.decrypt),
            (f"{ASSETS}/ddo/validate", self.validate),
        ]
        found = [Endpoint("POST", at, "encrypt", refusing(text_refusal, to)) for at, to in rows]
        info, query = f"{SERVICES}/fileInfo", f"{ASSETS}/metadata/query"
        found.append(Endpoint("POST", info, "fileinfo", refusing(text_refusal, self.file_info)))
        found.append(Endpoint("POST", query, "metadata", refusing(text_refusal, self.query)))
        for kind in ("ddo", "metadata"):
            for end in ("", "/<force>"):
                place = f"{ASSETS}/{kind}/<did>{end}"
                found.append(Endpoint("GET", place, "metadata", self.document))
        return found

    def encrypt(self) -> Response:
        """Answer with the body, encrypted, as hexadecimal text."""
        body = request.get_data()
        if not body:
            raise Refused(400, "Missing required body")
        self._credentials.check(request.args.to_dict(), None, "encrypt")
        return Response(self._assets.key.encrypt(body), 200, content_type=_BINARY)

    def encrypt_file(self) -> Response:
        """Answer with a file, sent along or named, encrypted with ECIES."""
        query = request.args.to_dict()
        if query.get("encryptMethod", "").upper() != "ECIES":
            raise Refused(500, "Unknown error: this network encrypts files with ECIES only")
        self._credentials.check(query, None, "encryptFile")
        content = request.get_data()
        if request.is_json:
            content = self._assets.content(body_of(request))
        response = Response(bytes.fromhex(self._assets.key.encrypt(content)[2:]), 200)
        response.headers["Content-Type"] = "application/octet-stream"
        response.headers["X-Encrypted-By"] = self._peer_id
        response.headers["X-Encrypted-Method"] = "ECIES"
        return response

    def decrypt(self) -> Response:
        """Answer with a published document in clear; any account that signs may read it."""
        data = body_of(request)
        require(data, "decryptDDO", "decrypterAddress", "chainId", "nonce", "signature")
        check_address(data["decrypterAddress"], "decrypterAddress")
        if str(data["chainId"]) != str(int(self._chain.call("eth_chainId"), 16)):
            raise Refused(400, "Decrypt DDO: Unsupported chain id")
        signed = {**data, "consumerAddress": data["decrypterAddress"]}
        self._credentials.check(signed, request.headers.get("Authorization"), "decryptDDO")
        text = self._decrypted(data)
        return Response(text, 200, content_type="text/plain; charset=utf-8")

    def _decrypted(self, data: Document) -> str:
        try:
            nft = str(to_checksum_address(str(data.get("dataNftAddress"))))
            self._indexer.check_nft(nft)
        except (ValueError, RpcError, Unusable):
            text = "Decrypt DDO: Asset not deployed by the data NFT factory"
            raise Refused(400, text) from None
        event = self._indexer.publication(nft, data.get("transactionId"))
        if event is None:
            raise Refused(400, "Decrypt DDO: Failed to process transaction id")
        if self._indexer.is_hidden(nft):
            raise Refused(403, "Decrypt DDO: invalid metadata state")
        try:
            return self._indexer.text_of(event)
        except ForeignText:
            raise Refused(400, "Decrypt DDO: Failed to decrypt") from None
        except Unusable as error:
            raise Refused(400, f"Decrypt DDO: {error}") from error

    def validate(self) -> Response:
        """Answer with the hash of a valid document and the node's signature of it."""
        data = body_of(request)
        require(data, "validateDDO", "ddo")
        ddo = data["ddo"] if isinstance(data["ddo"], dict) else {}
        if not str(ddo.get("id", "")).startswith("did:op"):
            raise Refused(400, ' Missing or invalid required parameter "id')
        if not ddo.get("version"):
            raise Refused(400, "Missing DDO version")
        is_signed = any(data.get(name) for name in ("signature", "nonce", "publisherAddress"))
        token = request.headers.get("Authorization")
        if is_signed or token not in (None, "undefined"):
            signer = {**data, "consumerAddress": data.get("publisherAddress")}
            self._credentials.check(signer, token, "validateDDO")
        if ddo["version"] not in VERSIONS:
            raise Refused(500, f"Unknown error: Unsupported DDO version: {ddo['version']}")
        reason = why_invalid(ddo)
        if reason:
            raise Refused(400, f"Validation error: {reason}")
        return as_json(self._assets.key.validation(ddo))

    def file_info(self) -> Response:
        """Answer with what is known of files; one that cannot be read is empty."""
        data = body_of(request)
        if not (data.get("type") or data.get("did")):
            raise Refused(400, "Invalid request parameters")
        if data.get("did") and not data.get("serviceId"):
            raise Refused(400, 'Invalid Request: matching "serviceId" not specified!')
        if data.get("did"):
            infos = self._assets.file_infos(str(data["did"]), data.get("serviceId"))
        else:
            infos = [self._assets.describe(data)]
        response = Response(compact(infos), 200)
        del response.headers["Content-Type"]
        return response

    def document(self, did: str, force: str = "") -> Response:  # noqa: ARG002 (asks other nodes)
        """Answer with a published document."""
        if not _DID.fullmatch(did):
            return as_text('Missing or invalid required parameter: "did"', 400)
        ddo = self._assets.store.document(did)
        return as_text("DDO not found", 404) if ddo is None else as_json(ddo)

    def query(self) -> Response:
        """Answer with the documents that match a query of Elasticsearch's."""
        try:
            asked = safe_json.loads(request.get_data() or b"{}")
            query = asked.get("query") if isinstance(asked, dict) else None
            return as_json([self._assets.store.search(query)])
        except (BadQuery, ValueError, TypeError, AttributeError) as error:
            raise Refused(500, f"Unknown error: {error}") from error
