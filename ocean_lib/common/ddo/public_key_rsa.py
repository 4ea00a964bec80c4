"""The names of key and authentication types in a DDO."""

from __future__ import annotations

from typing import Any

from ocean_lib.common.ddo.public_key_base import PublicKeyBase

AUTHENTICATION_TYPE_RSA = "RsaVerificationKey2018"
PUBLIC_KEY_TYPE_RSA = "RsaSignatureAuthentication2018"
PUBLIC_KEY_TYPE_ETHEREUM_ECDSA = "EthereumECDSAKey"


class PublicKeyRSA(PublicKeyBase):
    """An entry of type `RsaSignatureAuthentication2018`.

    Args:
        key_id: the key's id.
        **kwargs: the other keys of the entry; its type is set here.
    """

    def __init__(self, key_id: str, **kwargs: Any) -> None:
        super().__init__(key_id, **{**kwargs, "type": PUBLIC_KEY_TYPE_RSA})

    def get_authentication_type(self) -> str:
        """Return the type of authentication that goes with this key."""
        return AUTHENTICATION_TYPE_RSA
