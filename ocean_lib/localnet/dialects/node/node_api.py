"""A node's calls about itself and its accounts: discovery, nonces, auth tokens."""

from __future__ import annotations

from flask import Response, request

from ocean_lib.localnet.dialects.node.credentials import Credentials
from ocean_lib.localnet.dialects.node.node_key import NodeKey
from ocean_lib.localnet.dialects.node.wire import (
    ASSETS,
    SERVICES,
    Refused,
    as_json,
    body_of,
    refusing,
    token_refusal,
)
from ocean_lib.localnet.http.routes import Endpoint

_TOKEN = f"{SERVICES}/auth/token"
_ENDPOINTS = {
    "fileInfo": ["POST", f"{SERVICES}/fileInfo"],
    "decrypt": ["POST", f"{SERVICES}/decrypt"],
    "encrypt": ["POST", f"{SERVICES}/encrypt"],
    "encryptFile": ["POST", f"{SERVICES}/encryptFile"],
    "nonce": ["GET", f"{SERVICES}/nonce"],
    "getDDO": ["GET", f"{ASSETS}/ddo/:did/:force?"],
    "getDDOMetadata": ["GET", f"{ASSETS}/metadata/:did/:force?"],
    "ddoMetadataQuery": ["POST", f"{ASSETS}/metadata/query"],
    "validateDDO": ["POST", f"{ASSETS}/ddo/validate"],
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
_NO_PARAMETERS = "Missing required parameters"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class NodeApi:
    """The calls that are not about jobs and assets.

    Args:
        key: The node's.
        credentials: Nonces and tokens.
        chain_id: The chain that is served.
    """

    def __init__(self, key: NodeKey, credentials: Credentials, chain_id: int) -> None:
        self._key = key
        self._credentials = credentials
        self._chain_id = chain_id

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        create, end = self.make_token, self.invalidate_token
        return [
            Endpoint("GET", "/", "discovery", self.discovery),
            Endpoint("GET", f"{SERVICES}/nonce", "nonce", self.nonce),
            Endpoint("POST", _TOKEN, "token", refusing(token_refusal, create)),
            Endpoint("POST", f"{_TOKEN}/invalidate", "token", refusing(token_refusal, end)),
        ]

    def discovery(self) -> Response:
        """Answer with who this node is, and where it offers what."""
        public = self._key.public.to_compressed_bytes()
        return as_json(
            {
                "nodeId": peer_id(public),
                "chainIds": [str(self._chain_id)],
                "providerAddress": self._key.address,
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


def peer_id(public_key: bytes) -> str:
    """Spell a key as libp2p does: its protobuf, as an identity multihash, in base 58."""
    content = b"\x08\x02\x12" + bytes([len(public_key)]) + public_key
    number = int.from_bytes(b"\x00" + bytes([len(content)]) + content, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return f"1{digits}"
