"""Words that stand in every DDO."""

from __future__ import annotations

DID_DDO_CONTEXT_URL = "https://w3id.org/did/v1"

PROOF_TYPE = "DDOIntegritySignature"
