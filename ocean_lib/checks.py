"""Check DIDs, addresses, hashes, URLs, ids, wallets and JSON where they enter the library.

Each check returns the value in the spelling to use from there on, or raises the library's error
for it. Nothing heavy is imported: neither web3 nor eth-account, and keccak only when a checksum
is really needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ocean_lib.exceptions import (
    InvalidAddress,
    InvalidDid,
    InvalidInput,
    InvalidTransactionHash,
    InvalidUrl,
)

JOB_ID_MIN_CHARS = 2
JOB_ID_MAX_CHARS = 128
_SERVICE_ID_MAX_CHARS = 128
_SHOWN_CHARS = 80
_SMALL_INT = 10**12
_MAX_UINT256 = 2**256 - 1

_HEX = "[0-9a-fA-F]"
TOKEN_DID = re.compile(f"did:op:{_HEX}{{40}}")
_DID = re.compile(f"did:op:(?:{_HEX}{{40}}|{_HEX}{{64}})|did:ope:{_HEX}{{64}}")
_ADDRESS = re.compile(f"0[xX]{_HEX}{{40}}")
_HASH_DIGITS = re.compile(f"{_HEX}{{64}}")
PUBLIC_ID = (
    # A DID of V4 or V5, also within a URL, and an id that a node makes: its cluster's, a dash,
    # and that of a job (or, with one more 0x, of an environment).
    rf"\bdid(?::|%3A)ope?(?::|%3A){_HEX}{{64}}(?!{_HEX})"
    rf"|(?<!{_HEX})0x{_HEX}{{64}}-(?:0x)?{_HEX}{{64}}(?!{_HEX})"
)
"""What is as long as a private key and shown all the same, as a regular expression."""
# A job's id of V3 has 32 hex digits, an address or a DID of V3 40. 64 in a row may be a private
# key in the wrong place, and a few less one that was copied in part: never shown.
_NODE_JOB_ID = re.compile(f"0x{_HEX}{{64}}-{_HEX}{{64}}")
_V3_JOB_ID = re.compile(f"{_HEX}{{32}}")
_ONLY_AN_ID = re.compile(PUBLIC_ID)
_LONG_HEX = re.compile(rf"(?P<public>{PUBLIC_ID})|{_HEX}{{48,}}")
# A mnemonic in the wrong place: hardly any sentence goes on for so long without a shorter word.
_PHRASE = re.compile(r"\b[a-z]{3,8}(?:\s+[a-z]{3,8}){11,}\b")
SHORTEST_SECRET = 12 * 3 + 11
"""No text of fewer characters is taken for a key or a mnemonic."""

MAX_JSON_DEPTH = 200
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_trusted_job_ids: set[str] = set()
_TRUSTED_AT_MOST = 100_000


def printable(value: object, *, limit: int = _SHOWN_CHARS) -> str:
    """Describe a value for an error message without harm.

    Control characters are escaped, long text is cut, and what may be a private key or a mnemonic
    in the wrong place (48 or more hex digits in a row, 12 or more words) is replaced by its length.
    DIDs, a node's job ids, and what a back end called a job (see `trust_job_id`) are shown.

    Args:
        value: what was given.
        limit: the most characters of a text to show.
    """
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int) and abs(value) < _SMALL_INT:
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return f"{type(value).__name__} of length {len(value)}"
    if not isinstance(value, str):
        return f"a value of type {type(value).__name__}"
    is_known = value in _trusted_job_ids or bool(_ONLY_AN_ID.fullmatch(value))
    head = value if is_known else _without_secrets(value[: limit + 1000])
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in head)
    if is_known or len(clean) <= limit:
        return f"'{clean}'"
    return f"'{clean[:limit]}…' ({len(value)} characters)"


def _without_secrets(text: str) -> str:
    text = _LONG_HEX.sub(_shown_run, text)
    return _PHRASE.sub(lambda run: f"<{len(run.group().split())} words, not shown>", text)


def _shown_run(run: re.Match[str]) -> str:
    if run["public"]:
        return run.group()
    return f"<{len(run.group())} hex digits, not shown>"


def check_did(did: object, *, name: str = "did") -> str:
    """Return the DID unchanged if it is one of any generation.

    V3's are `did:op:` and the 40 hex digits of the datatoken's address, V4's `did:op:` and 64 hex
    digits, those of Ocean Enterprise `did:ope:` and 64 hex digits.

    Args:
        did: the asset's identifier, as published: its case is kept, servers compare it.
        name: what to call it in the message.

    Raises:
        InvalidDid: it is anything else.
    """
    if is_did(did):
        return str(did)
    raise InvalidDid(
        f"{name} must be 'did:op:' followed by 40 hex digits, got {printable(did)}. DIDs of later "
        "generations have 64, and may start with 'did:ope:'. Copy the DID of the published asset."
    )


def is_did(value: object) -> bool:
    """Tell whether a value is a DID; see `check_did`."""
    return isinstance(value, str) and _DID.fullmatch(value) is not None


def is_token_did(value: object) -> bool:
    """Tell whether a value is a DID that names its datatoken's address, as V3's do."""
    return isinstance(value, str) and TOKEN_DID.fullmatch(value) is not None


def check_token_did(did: object, *, name: str = "did") -> str:
    """Return the DID unchanged if it names its datatoken's address, as V3's do.

    Raises:
        InvalidDid: it is anything else, also a DID of a later generation.
    """
    if is_token_did(check_did(did, name=name)):
        return str(did)
    raise InvalidDid(
        f"{name} must be 'did:op:' followed by 40 hex digits, the address of the datatoken, got "
        "one with 64 hex digits. Such a DID does not name its datatoken: take that from the asset."
    )


def check_address(address: object, *, name: str = "address") -> str:
    """Return the address in its checksum spelling (EIP-55).

    Args:
        address: `0x` and 40 hex digits, in lower case, in upper case, or in the mixed case that
            carries the checksum.
        name: what to call it in the message.

    Raises:
        InvalidAddress: it is anything else, or its mixed case is not the checksum's.
    """
    if not (isinstance(address, str) and _ADDRESS.fullmatch(address)):
        raise InvalidAddress(
            f"{name} must be '0x' followed by 40 hex digits, got {printable(address)}."
        )
    digits = address[2:]
    checksummed = _checksummed(digits.lower())
    if digits not in (digits.lower(), digits.upper(), checksummed[2:]):
        raise InvalidAddress(
            f"{name} {address} has a wrong checksum: its mixed case does not fit its digits, so "
            "at least one character is mistyped. Copy it again, or write it in lower case if you "
            "are sure of it."
        )
    return checksummed


@lru_cache(maxsize=4096)
def _checksummed(digits: str) -> str:
    # pycryptodome is what eth-account itself brings along (through eth-keyfile); its keccak
    # imports in about 20 ms, eth_utils in 200 ms.
    from Crypto.Hash import keccak

    nibbles = keccak.new(data=digits.encode(), digest_bits=256).hexdigest()
    spelled = (c.upper() if int(n, 16) >= 8 else c for c, n in zip(digits, nibbles, strict=False))
    return "0x" + "".join(spelled)


def check_tx_hash(value: object, *, name: str = "transaction hash") -> str:
    """Return the transaction hash as `0x` text.

    Args:
        value: 32 bytes (`HexBytes` too), or 64 hex digits. Text with `0x` is kept as it is; text
            without, as `HexBytes.hex()` gives it, gets the `0x`.
        name: what to call it in the message.

    Raises:
        InvalidTransactionHash: it is anything else.
    """
    if isinstance(value, (bytes, bytearray)) and len(value) == 32:
        # bytes() first: HexBytes has a hex() of its own.
        return "0x" + bytes(value).hex()
    if isinstance(value, str):
        has_prefix = value.startswith(("0x", "0X"))
        if _HASH_DIGITS.fullmatch(value[2:] if has_prefix else value):
            return str(value) if has_prefix else "0x" + value
    raise InvalidTransactionHash(
        f"{name} must be '0x' followed by 64 hex digits, or 32 bytes, got {printable(value)}. "
        "It is the hash of the transaction that paid for the service."
    )


def check_url(url: object, *, name: str = "url", may_have_login: bool = False) -> str:
    """Return the URL unchanged if it is an absolute http(s) URL that is safe to send to.

    Args:
        url: `http://` or `https://` with a host, and a port, path or query as needed.
        name: what to call it in the message.
        may_have_login: take `user:password@` too: for what shows and sends only the rest.

    Raises:
        InvalidUrl: it is anything else, holds blanks, control characters or backslashes, or
            carries a user and password, which would end up in logs.
    """
    fault = _url_fault(url, ("http", "https"), userinfo=may_have_login)
    if fault:
        raise InvalidUrl(f"{name} must be an absolute http(s) URL: {fault}, got {shown_url(url)}.")
    return str(url)


def _url_fault(url: object, schemes: tuple[str, ...], *, userinfo: bool = False) -> str:
    """Say what is wrong with a URL; '' if nothing is."""
    return _text_fault(url, schemes, userinfo) if isinstance(url, str) else "it is not text"


@lru_cache(maxsize=256)
def _text_fault(url: str, schemes: tuple[str, ...], userinfo: bool) -> str:
    if not url:
        return "it is empty"
    if not url.isprintable() or any(c.isspace() or c == "\\" for c in url):
        return "it holds blanks, control characters or backslashes"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its text may quote a part of the password
        return "host or port cannot be read"
    if parts.scheme not in schemes:
        return f"it must start with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not host:
        return "it names no host"
    if port == 0:
        return "port 0 cannot be reached"
    if "@" in parts.netloc and not userinfo:
        return "it carries a user or password; leave them out"
    return ""


def shown_url(url: object) -> str:
    """Describe a URL for a message: without user and password, without query and fragment.

    Args:
        url: any value.
    """
    if not isinstance(url, str):
        return printable(url)
    # The last @: what stands before it may be a password, whatever else it holds.
    secret, at, rest = url.rpartition("@")
    scheme = secret.partition("://")[0] + "://" if "://" in secret else ""
    bare = f"{scheme}***@{rest}" if at else rest
    return printable(without_query(bare))


def without_query(url: str) -> str:
    """Return a URL without its query and fragment, where keys are put."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def trust_job_id(job_id: str) -> None:
    """Take a text for a job id from now on, in this process, even if it looks like a key.

    For what a back end calls a job: V3's make 32 hex digits and nodes put their cluster before
    64, but another may use a bare hash, which cannot be told from a private key.
    """
    if len(job_id) >= SHORTEST_SECRET and _without_secrets(job_id) != job_id:
        if len(_trusted_job_ids) >= _TRUSTED_AT_MOST:
            _trusted_job_ids.clear()
        _trusted_job_ids.add(job_id)


def check_job_id(job_id: object, *, name: str = "job_id") -> str:
    """Return the job id unchanged if it can be one.

    Args:
        job_id: what `start` returned: 32 hex digits of a V3 Provider, `0x<64>-<64 hex digits>` of
            a node. Other printable text without blanks around it passes, for other back ends.
        name: what to call it in the message.

    Raises:
        InvalidInput: it is not text, too short or too long, holds control characters, or looks
            like a private key or a mnemonic, which no back end must see; see `trust_job_id`.
    """
    if isinstance(job_id, str) and _NODE_JOB_ID.fullmatch(job_id):
        return str(job_id)
    if not (
        isinstance(job_id, str)
        # operator-service takes a shorter one for none, which means all jobs of the owner.
        and JOB_ID_MIN_CHARS <= len(job_id) <= JOB_ID_MAX_CHARS
        and job_id.isprintable()
        and job_id == job_id.strip()
    ):
        raise InvalidInput(
            f"{name} must be the text that `start` returned ({JOB_ID_MIN_CHARS} to "
            f"{JOB_ID_MAX_CHARS} printable characters), got {printable(job_id)}."
        )
    if _without_secrets(job_id) != job_id and job_id not in _trusted_job_ids:
        raise InvalidInput(
            f"{name} must be the text that `start` returned, got {printable(job_id)}. This looks "
            "like a transaction hash or a private key, not a job id: V3's have 32 hex digits, a "
            "node's start with the cluster ('0x…-…')."
        )
    return str(job_id)


def check_place(did: object, job_id: object) -> tuple[str, str]:
    """Return a job's data set and id; the data set may be '' for a job of an Ocean Node.

    Raises:
        InvalidDid: it is not a DID.
        InvalidInput: the id cannot be one; see `check_job_id`.
    """
    if isinstance(did, str) and isinstance(job_id, str):
        is_nodes = _NODE_JOB_ID.fullmatch(job_id) is not None
        if (did == "" and is_nodes) or (
            _DID.fullmatch(did) and (is_nodes or _V3_JOB_ID.fullmatch(job_id))
        ):
            return str(did), str(job_id)
    if did == "":
        check_job_id(job_id)  # of a node's job without its cluster, that is what is wrong
    return check_did(did), check_job_id(job_id)


def is_job_id(value: object) -> bool:
    """Tell whether a value can be a job id; see `check_job_id`."""
    if isinstance(value, str) and _V3_JOB_ID.fullmatch(value):
        return True
    try:
        check_job_id(value)
    except InvalidInput:
        return False
    return True


def check_service_id(value: object, *, name: str = "service_id") -> int | str:
    """Return what names a service of an asset: its index as int, or its id as text.

    Args:
        value: an index from 0 on or its decimal text, as V3 counts services; or the id that later
            generations give them, mostly a sha256 in 64 hex digits. `0x` before those is refused:
            that is a transaction hash or a private key.
        name: what to call it in the message.

    Raises:
        InvalidInput: it is anything else.
    """
    if isinstance(value, str) and _is_service_text(value):
        return str(value)
    try:
        return check_service_index(value, name=name)
    except InvalidInput:
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            raise  # it says what is wrong with so large a number
    raise InvalidInput(
        f"{name} must be the index of a service in the asset's DDO (0, 1, 2, …), or the text of "
        f"its id, got {printable(value)}."
    )


def _is_service_text(text: str) -> bool:
    if _HASH_DIGITS.fullmatch(text):
        return True
    return (
        1 <= len(text) <= _SERVICE_ID_MAX_CHARS
        and text.isprintable()
        and text == text.strip()
        and not text.isdigit()
        and text == _without_secrets(text)
    )


def check_service_index(value: object, *, name: str = "service_id") -> int:
    """Return a service index as int.

    Args:
        value: an int from 0 on, or its decimal text.
        name: what to call it in the message.

    Raises:
        InvalidInput: it is anything else, or more than a contract's uint256.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        if value <= _MAX_UINT256:
            return int(value)
        raise InvalidInput(f"{name} is larger than any contract can hold. Nothing was sent.")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    raise InvalidInput(
        f"{name} must be the index of a service in the asset's DDO (0, 1, 2, …), "
        f"got {printable(value)}."
    )


def signer_address(obj: Any, *, signs: bool = False) -> str:
    """Return a signer's address in its checksum spelling.

    The Provider compares addresses as text, so this spelling is the one to sign and to send.

    Args:
        obj: what the user gave as a wallet.
        signs: whether it must be able to sign, too.

    Raises:
        InvalidInput: it has no `address` text, or must sign and has no `sign_message` method.
        InvalidAddress: its address is no EVM address, or its mixed-case checksum is wrong.
    """
    address = getattr(obj, "address", None)
    if not isinstance(address, str):
        raise InvalidInput(_not_a_signer(obj, "has no address text"))
    checked = check_address(address)
    if signs and not callable(getattr(obj, "sign_message", None)):
        raise InvalidInput(_not_a_signer(obj, "has no sign_message(signable_message) method"))
    return checked


def _not_a_signer(obj: object, fault: str) -> str:
    return (
        f"A wallet is needed, but this {type(obj).__name__} {fault}. "
        "Give a Wallet, an eth-account LocalAccount, or an object with both."
    )


def parse_json(
    body: bytes | str, *, object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """Parse JSON from outside; what nests too deeply is refused.

    Python's parser recurses in C and trusts the interpreter's recursion limit to stop it. py_ecc,
    which eth-account imports, raises that limit to 100,000, and a hundred kilobytes of "[" then end
    the whole process.

    Args:
        body: what came.
        object_pairs_hook: makes an object of its names and values; may raise ValueError.

    Raises:
        ValueError: it is not JSON, or nests deeper than 200 levels.
    """
    if not isinstance(body, str) and b"\0" in body[:4]:  # UTF-16 or UTF-32, which JSON may be in
        body = body.decode(json.detect_encoding(body), "surrogatepass")
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    if body.count(b"[") + body.count(b"{") > MAX_JSON_DEPTH and _depth(body) > MAX_JSON_DEPTH:
        raise ValueError(f"it nests deeper than {MAX_JSON_DEPTH} levels")
    return json.loads(body, object_pairs_hook=object_pairs_hook)


def _depth(body: bytes) -> int:
    """Return how deep a parser may go; a few passes in C for what a back end sends."""
    # Brackets outside strings: a backslash outside them ends the parser before it goes deeper.
    unescaped = body.replace(rb"\\", b"").replace(rb"\"", b"")
    left = b"".join(unescaped.split(b'"')[::2]).translate(_SQUARE, _NO_BRACKETS)
    for depth in range(MAX_JSON_DEPTH + 1):
        outer = left.replace(b"[]", b"")
        if outer == left:
            return depth + left.count(b"[")
        left = outer
    return MAX_JSON_DEPTH + 1


def is_json(value: Any) -> bool:
    """Tell whether a value can be sent as JSON (NaN and infinity cannot)."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
