"""The wallet: signs messages and transactions with a private key that does not leave it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ocean_lib.base.frames import forgets_locals
from ocean_lib.checks import check_address
from ocean_lib.exceptions import InvalidInput, SigningFailed, WalletError
from ocean_lib.web3_internal import _keys
from ocean_lib.web3_internal.signer import OwnKey

if TYPE_CHECKING:
    from eth_account.datastructures import SignedMessage
    from eth_account.messages import SignableMessage
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

DEFAULT_ACCOUNT_PATH = "m/44'/60'/0'/0/0"

_GONE = {
    "private_key": "call unsafe_private_key() if it must leave the wallet",
    "key": "call unsafe_private_key() if it must leave the wallet",
    "password": "a wallet does not keep its password",
}


class Wallet(OwnKey):
    """Signs messages and transactions for one account.

    The private key never shows in `repr`, `str`, `vars`, logs or errors; a wallet cannot be
    pickled, and a copy of it is the same object. `unsafe_private_key` is the one way out.
    A wallet may be used from many threads at once.

    ocean.py's `private_key`, `key` and `password` attributes are gone; `keys_str` answers without
    the private key.

    Args:
        web3: the chain to send transactions to; None for a wallet that only signs.
        private_key: 64 hex digits with or without `0x`, or 32 bytes.
        encrypted_key: a keystore (dict or its JSON text), in place of `private_key`.
        password: opens `encrypted_key`.
        address: refuse the key unless it belongs to this address.

    Raises:
        InvalidInput: neither a key, nor a keystore and its password, or a wrong address.
        WalletError: the key or keystore cannot be used.
        WrongPassword: the password does not open the keystore.
    """

    @forgets_locals
    def __init__(
        self,
        web3: Web3 | None,
        private_key: str | bytes | None = None,
        encrypted_key: dict[str, Any] | str | None = None,
        password: str | None = None,
        address: str | None = None,
    ) -> None:
        if not private_key and not (encrypted_key and password):
            raise InvalidInput(
                "A wallet needs either private_key, or encrypted_key together with password."
            )
        key = (
            _keys.parse_key(private_key)
            if private_key
            else _keys.decrypt_keystore(_keys.read_keystore(encrypted_key), password or "")
        )
        self._web3 = web3
        self._key = _closed(key)
        super().__init__(key)
        if address is not None:
            self._check_owner(address)

    @classmethod
    @forgets_locals
    def from_keystore(
        cls, web3: Web3 | None, keystore: str | os.PathLike[str] | dict[str, Any], password: str
    ) -> Wallet:
        """Open an Ethereum keystore (version 3).

        Args:
            web3: the chain, or None.
            keystore: the file's path, its JSON text, or the parsed dict.
            password: what it was encrypted with.

        Raises:
            WalletError: it cannot be read or is no keystore.
            WrongPassword: the password does not open it.
        """
        content = _keys.read_keystore(keystore)
        return cls(web3, private_key=_keys.decrypt_keystore(content, password))

    @classmethod
    @forgets_locals
    def from_mnemonic(
        cls,
        web3: Web3 | None,
        mnemonic: str,
        passphrase: str = "",
        account_path: str = DEFAULT_ACCOUNT_PATH,
    ) -> Wallet:
        """Derive the account of a BIP-39 mnemonic.

        The derivation is eth-account's, whose authors call it unaudited.

        Args:
            web3: the chain, or None.
            mnemonic: the words.
            passphrase: the optional BIP-39 passphrase (not a keystore's password).
            account_path: the BIP-44 path; the last number counts accounts.

        Raises:
            WalletError: the words are no mnemonic, or the path is no path.
        """
        return cls(web3, private_key=_keys.key_from_mnemonic(mnemonic, passphrase, account_path))

    @classmethod
    @forgets_locals
    def from_env(cls, web3: Web3 | None, name: str) -> Wallet:
        """Read the private key from an environment variable.

        Args:
            web3: the chain, or None.
            name: the variable's name.

        Raises:
            WalletError: the variable is not set, or holds no private key.
        """
        value = os.environ.get(name)
        if not value:
            raise WalletError(f"The environment variable {name} is not set: no private key.")
        return cls(web3, private_key=value)

    @classmethod
    def create(cls, web3: Web3 | None = None) -> Wallet:
        """Make a wallet with a new random key; keep it with `to_keystore`.

        Args:
            web3: the chain, or None.
        """
        while True:
            try:
                return cls(web3, private_key=secrets.token_bytes(32))
            except WalletError:  # one chance in 2**128: outside the curve's range
                continue

    @property
    def web3(self) -> Web3 | None:
        """The chain this wallet sends to; None for a wallet that only signs."""
        return self._web3

    @forgets_locals
    def sign_message(self, signable_message: SignableMessage) -> SignedMessage:
        """Sign an EIP-191 message.

        Args:
            signable_message: made by `eth_account.messages.encode_defunct`.

        Raises:
            SigningFailed: it is no signable message.
        """
        reason = ""
        try:
            return self._account().sign_message(signable_message)
        except Exception as error:  # noqa: BLE001  (never pass on a text made next to the key)
            reason = type(error).__name__
        raise SigningFailed(
            f"{self!r} cannot sign this {type(signable_message).__name__} ({reason}): expected "
            "what eth_account.messages.encode_defunct makes."
        )

    def sign(self, msg_hash: SignableMessage) -> SignedMessage:
        """Sign an EIP-191 message (ocean.py's name for `sign_message`).

        Args:
            msg_hash: made by `eth_account.messages.encode_defunct`.

        Raises:
            SigningFailed: it is no signable message.
        """
        return self.sign_message(msg_hash)

    @forgets_locals
    def sign_tx(
        self, tx: dict[str, Any], fixed_nonce: int | None = None, gas_price: int | None = None
    ) -> bytes:
        """Sign a transaction, filling what is missing from the chain.

        `chainId`, `nonce`, `gas` and the fee are asked from `web3` when the transaction lacks
        them; a wallet without `web3` needs all of them. The dict given is not changed.

        Args:
            tx: the transaction's fields.
            fixed_nonce: use this nonce whatever the transaction or the chain says.
            gas_price: use this gas price (wei) whatever the transaction or the chain says.

        Returns:
            The raw transaction.

        Raises:
            InvalidInput: a field is missing and there is no chain to ask, or `from` is another
                account.
            TransactionFailed: gas or fee are the chain's, and more than MAX_TRANSACTION_FEE in the
                environment (1 ether).
            SigningFailed: the fields make no transaction.
        """
        from ocean_lib.web3_internal._tx_fields import complete_transaction

        fields = complete_transaction(
            self._web3, tx, self.address, nonce=fixed_nonce, gas_price=gas_price
        )
        account = self._account()
        reason = ""
        try:
            return bytes(account.sign_transaction(fields).raw_transaction)
        except Exception as error:  # noqa: BLE001  (never pass on a text made next to the key)
            reason = type(error).__name__
        raise SigningFailed(
            f"{self!r} cannot sign this transaction ({reason}): check its fields "
            f"{', '.join(sorted(fields))}."
        )

    def validate(self) -> bool:
        """Return whether the key gives the address; always true once a wallet is made."""
        return bool(self._account().address == self.address)

    def keys_str(self) -> str:
        """Return address and public key as text. The private key, which ocean.py added, is not."""
        from eth_keys.datatypes import PrivateKey

        public_key = PrivateKey(self._key()).public_key
        return f"address: {self.address}\npublic key: {public_key}\n"

    @forgets_locals
    def to_keystore(self, password: str) -> dict[str, Any]:
        """Return the key, encrypted, as an Ethereum keystore (version 3).

        Args:
            password: what will open it; not empty.

        Raises:
            InvalidInput: the password is empty.
        """
        return _keys.encrypt_keystore(self._key(), password)

    def unsafe_private_key(self) -> str:
        """Return the private key as `0x` hex. Whoever sees it owns the account."""
        return "0x" + self._key().hex()

    def _account(self) -> LocalAccount:
        return _keys.account_from_key(self._key())

    def _check_owner(self, address: str) -> None:
        if check_address(address) != self.address:
            raise InvalidInput(
                f"The key belongs to {self.address}, not to {address}. "
                "Give the key of that account, or leave the address out."
            )

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "address" and name in vars(self):
            raise AttributeError("A Wallet's address is that of its key and cannot be set.")
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> NoReturn:
        hint = f": {_GONE[name]}" if name in _GONE else ""
        raise AttributeError(f"Wallet has no attribute {name!r}{hint}")

    def __copy__(self) -> Wallet:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Wallet:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise WalletError(
            "A Wallet cannot be pickled: its private key would be in the pickle. "
            "Make it in the process that needs it, or pass a keystore (to_keystore)."
        )


def _closed(key: bytes) -> Callable[[], bytes]:
    """Keep the key in a closure, where `vars` and generic dumpers do not look."""
    return lambda: key
