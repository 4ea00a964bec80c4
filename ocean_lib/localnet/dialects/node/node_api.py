"""A node's other calls: discovery, nonces, auth tokens, files, documents."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from eth_keys.datatypes import PrivateKey
from flask import Response, request

from ocean_lib.localnet.dialects.node.compute_api import SERVICES, not_for_money, refusing
from ocean_lib.localnet.dialects.node.credentials import Credentials
from ocean_lib.localnet.dialects.node.environments import Environments
from ocean_lib.localnet.dialects.node.jobs import file_name
from ocean_lib.localnet.dialects.node.wire import (
    Refused,
    as_json,
    as_text,
    body_of,
    check_address,
    require,
    text_refusal,
    token_refusal,
)
from ocean_lib.localnet.files.access import FileAccess
from ocean_lib.localnet.http.routes import Endpoint

_ASSETS = "/api/aquarius/assets"
_TOKEN = f"{SERVICES}/auth/token"
_ENDPOINTS = {
    "fileInfo": ["POST", f"{SERVICES}/fileInfo"],
    "nonce": ["GET", f"{SERVICES}/nonce"],
    "getDDO": ["GET", f"{_ASSETS}/ddo/:did/:force?"],
    "getDDOMetadata": ["GET", f"{_ASSETS}/metadata/:did/:force?"],
    "ddoMetadataQuery": ["POST", f"{_ASSETS}/metadata/query"],
    "computeEnvironments": ["GET", f"{SERVICES}/computeEnvironments"],
    "computeStart": ["POST", f"{SERVICES}/compute"],
    "freeCompute": ["POST", f"{SERVICES}/freeCompute"],
    "computeStop": ["PUT", f"{SERVICES}/compute"],
    "computeStatus": ["GET", f"{SERVICES}/compute"],
    "computeResult": ["GET", f"{SERVICES}/computeResult"],
    "computeStreamableLogs": ["GET", f"{SERVICES}/computeStreamableLogs"],
    "initializeCompute": ["POST", f"{SERVICES}/initializeCompute"],
    "computeDelete": ["DELETE", f"{SERVICES}/compute"],
    "generateAuthToken": ["POST", _TOKEN],
    "invalidateAuthToken": ["POST", f"{_TOKEN}/invalidate"],
}
_DID = re.compile(r"did:op:[0-9a-fA-F]{64}")
_NO_PARAMETERS = "Missing required parameters"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class NodeApi:
    """The calls that are not about jobs.

    Args:
        key: The node's.
        credentials: Nonces and tokens.
        environments: Where jobs run.
        files: Reads files.
    """

    def __init__(
        self,
        key: PrivateKey,
        credentials: Credentials,
        environments: Environments,
        files: FileAccess,
    ) -> None:
        self._key = key
        self._credentials = credentials
        self._environments = environments
        self._files = files

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        price, info = f"{SERVICES}/initializeCompute", f"{SERVICES}/fileInfo"
        create, end = self.make_token, self.invalidate_token
        rows = [
            Endpoint("GET", "/", "discovery", self.discovery),
            Endpoint("GET", f"{SERVICES}/nonce", "nonce", self.nonce),
            Endpoint("POST", _TOKEN, "token", refusing(token_refusal, create)),
            Endpoint("POST", f"{_TOKEN}/invalidate", "token", refusing(token_refusal, end)),
            Endpoint("POST", price, "initialize", refusing(text_refusal, self.initialize)),
            Endpoint("POST", info, "fileinfo", refusing(text_refusal, self.file_info)),
            Endpoint("POST", f"{_ASSETS}/metadata/query", "metadata", self.query),
        ]
        for kind in ("ddo", "metadata"):
            rows.append(Endpoint("GET", f"{_ASSETS}/{kind}/<did>", "metadata", self.document))
        return rows

    def discovery(self) -> Response:
        """Answer with who this node is, and where it offers what."""
        public = self._key.public_key.to_compressed_bytes()
        return as_json(
            {
                "nodeId": _peer_id(public),
                "chainIds": [],
                "providerAddress": self._key.public_key.to_checksum_address(),
                "nodePublicKey": {str(index): byte for index, byte in enumerate(public)},
                "serviceEndpoints": _ENDPOINTS,
                "software": "Ocean-Node",
                "version": "0.0.1",
                "embeddedNetwork": "ocean-compute",
            }
        )

    def nonce(self) -> Response:
        """Answer with the nonce of an address: 0 for whatever was never seen."""
        address = request.args.get("userAddress", "")
        return as_json({"nonce": str(self._credentials.nonce(address))})

    def make_token(self) -> Response:
        """Answer with an auth token."""
        data = body_of(request)
        if not (data.get("signature") and data.get("address")):
            raise Refused(400, _NO_PARAMETERS)
        address, nonce = data["address"], data.get("nonce")
        self._credentials.spend(address, nonce, data["signature"], "createAuthToken")
        token = self._credentials.make_token(address, nonce, data.get("validUntil"))
        return as_json({"token": token})

    def invalidate_token(self) -> Response:
        """Make an auth token worthless, whoever asks: a node looks at no signature here."""
        data = body_of(request)
        if not (data.get("signature") and data.get("address") and data.get("token")):
            raise Refused(400, _NO_PARAMETERS)
        try:
            given = data["address"], data.get("nonce"), data["signature"]
            self._credentials.spend(*given, "invalidateAuthToken")
        except Refused:
            pass
        self._credentials.invalidate(data["token"])
        return as_json({"success": True})

    def initialize(self) -> Response:
        """Answer what a paid job would cost: no environment of this network takes money."""
        data = body_of(request)
        data["datasets"] = data.get("datasets") or []
        fields = ("datasets", "algorithm", "payment", "consumerAddress", "environment")
        require(data, "initializeCompute", *fields)
        check_address(data["consumerAddress"])
        for one in data["datasets"]:
            if not one.get("documentId"):
                raise Refused(400, "Missing dataset did")
        self._environments.check_cluster(data["environment"])
        self._environments.named(data["environment"], [])
        raise not_for_money(data["payment"])

    def file_info(self) -> Response:
        """Answer with what is known of a file; one that cannot be read is empty."""
        data = body_of(request)
        if not (data.get("type") or data.get("did")):
            raise Refused(400, "Invalid request parameters")
        if data.get("did"):
            text = "Unable to decrypt files, files not served by the current node!"
            raise Refused(500, text)
        found = self._files.describe(data.get("url"), with_checksum=True)
        known: dict[str, Any] = {
            "valid": True,
            "contentLength": found.get("contentLength", "0"),
            "contentType": found.get("contentType", ""),
            "checksum": found.get("checksum", hashlib.sha256().hexdigest()),
            "name": file_name(str(data.get("url", ""))),
            "type": data["type"],
        }
        response = Response(json.dumps([known], separators=(",", ":")), 200)
        del response.headers["Content-Type"]
        return response

    def document(self, did: str) -> Response:
        """Answer with a published document: this network has none yet."""
        if not _DID.fullmatch(did):
            return as_text('Missing or invalid required parameter: "did"', 400)
        return as_text("DDO not found", 404)

    def query(self) -> Response:
        """Answer with the documents that match: this network has none yet."""
        return as_json([[]])


def _peer_id(public_key: bytes) -> str:
    """Spell a key as libp2p does: its protobuf, as an identity multihash, in base 58."""
    content = b"\x08\x02\x12" + bytes([len(public_key)]) + public_key
    number = int.from_bytes(b"\x00" + bytes([len(content)]) + content, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return f"1{digits}"
