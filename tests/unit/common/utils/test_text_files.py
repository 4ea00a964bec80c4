"""Every reader takes text as other tools write it, and names the file that it cannot read."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from eth_account import Account

from ocean_lib.base.text_files import read_text
from ocean_lib.cli import asking
from ocean_lib.cli.embedded import keep_config
from ocean_lib.cli.job_file import read_job_file
from ocean_lib.cli.typed_job import TypedJob
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.config import Config
from ocean_lib.documents.description import read_description
from ocean_lib.exceptions import ConfigError, InvalidInput, WalletError
from ocean_lib.web3_internal.contract_utils import get_contracts_addresses
from ocean_lib.web3_internal.wallet import Wallet

KEY = "0x" + "4c" * 32
ADDRESS = Wallet(None, private_key=KEY).address
DID = "did:op:" + "12" * 20
CONFIG = "[resources]\nprovider.url = http://127.0.0.1:1\n"
KEYSTORE = json.dumps(Account.encrypt(KEY, "pä", kdf="pbkdf2", iterations=1))
DESCRIPTION = {"name": "n", "author": "ä", "license": "l", "files": ["https://example.org/x"]}
CONTAINER: dict[str, str | None] = {"image": "python", "tag": "3", "entrypoint": "python3 $ALGO"}


def code_in(path: Path) -> str:
    typed = TypedJob((DID,), (), (), None, None, path, CONTAINER)
    algorithm = typed._own_code()
    assert algorithm is not None
    return algorithm.rawcode


def config_kept(path: Path) -> bool:
    """Whether a config that its user edited is recognised as leading to the network."""
    kept = keep_config(path.parent, {"resources": {"provider.url": "http://127.0.0.1:1"}}, print)
    return kept == path


READERS: dict[str, tuple[str, str, Callable[[Path], Any], Any]] = {
    "config": ("config.ini", CONFIG, lambda p: Config(str(p)).provider_url, "http://127.0.0.1:1"),
    "config as text": (
        "c.ini",
        CONFIG,
        lambda p: Config(text=text_of(p)).provider_url,
        "http://127.0.0.1:1",
    ),
    "the network's config": ("config.ini", CONFIG, config_kept, True),
    "password file": ("p", "pä\nmore", asking._first_line, "pä"),
    "keystore": ("k", KEYSTORE, lambda p: Wallet.from_keystore(None, p, "pä").address, ADDRESS),
    "keystore as text": (
        "k",
        KEYSTORE,
        lambda p: Wallet.from_keystore(None, text_of(p), "pä").address,
        ADDRESS,
    ),
    "keystore of the command line": (
        "k",
        KEYSTORE,
        lambda p: asking.address_in_keystore(asking.KeySources(p)),
        ADDRESS,
    ),
    "document": ("d", json.dumps({"id": DID}), lambda p: DDO(json_filename=p).did, DID),
    "document as text": (
        "d",
        json.dumps({"id": DID}),
        lambda p: DDO(json_text=text_of(p)).did,
        DID,
    ),
    "description in JSON": (
        "d.json",
        json.dumps(DESCRIPTION | {"access": True}),
        lambda p: read_description(p).values["author"],
        "ä",
    ),
    "description in YAML": (
        "d.yaml",
        "\n".join(f"{name}: {json.dumps(value)}" for name, value in DESCRIPTION.items()),
        lambda p: read_description(p).values["author"],
        "ä",
    ),
    "code": ("a.py", "print('ä')\nprint(2)\n", code_in, "print('ä')\nprint(2)\n"),
    "job file": ("job.json", '{"job_id": "ä"}', lambda p: read_job_file(p)["job_id"], "ä"),
    "addresses": (
        "a.json",
        json.dumps({"development": {"DTFactory": ADDRESS}}),
        lambda p: get_contracts_addresses("development", str(p)),
        {"DTFactory": ADDRESS},
    ),
}


def text_of(path: Path) -> str:
    """Read a file as somebody does who knows of no mark."""
    content = path.read_bytes()
    return content.decode("utf-16-le" if content.startswith(codecs.BOM_UTF16_LE) else "utf-8")


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(b"", "utf-8"), (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")],
    ids=["plain", "marked", "UTF-16"],
)
@pytest.mark.parametrize("reader", READERS)
def test_text_of_other_tools_is_read_as_it_is_meant(
    reader: str, mark: bytes, encoding: str, ends: str, tmp_path: Path
) -> None:
    name, text, read, expected = READERS[reader]
    (tmp_path / name).write_bytes(mark + text.replace("\n", ends).encode(encoding))

    assert read(tmp_path / name) == expected


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", b"\xe4 = 1\n{", b"[1"])
@pytest.mark.parametrize(
    "reader",
    [name for name in READERS if " as text" not in name and name != "the network's config"],
)
def test_what_is_no_such_text_is_named_by_its_file(
    reader: str, content: bytes, tmp_path: Path
) -> None:
    name, _, read, _ = READERS[reader]
    path = tmp_path / name
    path.write_bytes(content)
    if reader == "keystore of the command line":
        assert read(path) is None
        return
    if content == b"[1" and reader in ("password file", "code"):
        assert read(path) == "[1"  # text is text
        return

    with pytest.raises((ConfigError, InvalidInput, WalletError, click.BadParameter)) as caught:
        read(path)

    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_stays_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none")
