"""What enters the library is checked, and refused without harm."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import pytest
from eth_utils import to_checksum_address
from hexbytes import HexBytes
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.checks import (
    check_address,
    check_did,
    check_job_id,
    check_place,
    check_service_id,
    check_service_index,
    check_token_did,
    check_tx_hash,
    check_url,
    parse_json,
    printable,
    shown_url,
    trust_job_id,
)
from ocean_lib.exceptions import (
    InvalidAddress,
    InvalidDid,
    InvalidInput,
    InvalidTransactionHash,
    InvalidUrl,
)

ADDRESS = "0xA78deb2Fa79463945C247991075E2a0e98Ba7A09"
DID = f"did:op:{ADDRESS[2:]}"
TX_HASH = "0x3a106a6eb94149e3a861bef23763d294eefbc005980affa2cdb269fb05a8ce83"
KEY = "8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
NODE_DID, ENTERPRISE_DID = f"did:op:{TX_HASH[2:]}", f"did:ope:{TX_HASH[2:]}"
CLUSTER = "0x7d187e4c751367be694497ead35e2937ece3c7f3b325dcb4f7571e5972d092bd"
NODE_JOB = f"{CLUSTER}-{TX_HASH[2:]}"
MNEMONIC = "test test test test test test test test test test test junk"

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(),
    st.text(st.characters(codec=None)),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)


@given(ANYTHING)
def test_a_check_returns_its_value_or_raises_its_error(value: Any) -> None:
    for check in (
        check_did,
        check_address,
        check_tx_hash,
        check_url,
        check_job_id,
        check_service_id,
        check_service_index,
        check_token_did,
    ):
        said = ""
        try:
            check(value)  # type: ignore[operator]
        except InvalidInput as error:
            said = str(error)
        assert said.isprintable()


@given(st.text("0123456789abcdefABCDEFxopdi:", max_size=70))
def test_almost_valid_text_is_judged_too(value: str) -> None:
    for check in (check_did, check_address, check_tx_hash):
        with contextlib.suppress(InvalidInput):
            assert check(value)


@given(st.binary(min_size=20, max_size=20))
def test_addresses_get_the_checksum_that_eth_utils_gives(raw: bytes) -> None:
    expected = to_checksum_address(raw)

    for spelling in ("0x" + raw.hex(), "0x" + raw.hex().upper(), expected):
        assert check_address(spelling) == expected


@pytest.mark.parametrize(
    "did",
    [DID, DID.lower(), "did:op:" + "0" * 40, NODE_DID, NODE_DID.upper().replace("DID:OP", "did:op")]
    + [ENTERPRISE_DID],
)
def test_a_did_keeps_its_spelling(did: str) -> None:
    assert check_did(did) == did


@pytest.mark.parametrize(
    "did",
    ["", "did:op:", DID + "0", DID[:-1], DID + "\n", " " + DID, DID.replace("op", "ocn"), ADDRESS]
    + ["did:op:" + "g" * 40, "did:op:../../" + "a" * 34, "did:op:" + "٣" * 40]
    + [NODE_DID + "0", NODE_DID[:-1], "did:op:0x" + "a" * 64, ENTERPRISE_DID[:-1]]
    + [DID.replace(":op:", ":ope:"), TX_HASH, CLUSTER, NODE_JOB],
)
def test_other_text_is_no_did(did: str) -> None:
    with pytest.raises(InvalidDid, match="40 hex digits"):
        check_did(did)


def test_only_a_did_of_v3_names_its_datatoken() -> None:
    assert check_token_did(DID) == DID
    for did in (NODE_DID, ENTERPRISE_DID):
        with pytest.raises(InvalidDid, match=r"^dataset must be .* 40 hex digits, the address"):
            check_token_did(did, name="dataset")


@pytest.mark.parametrize(
    "text",
    [
        NODE_DID,
        ENTERPRISE_DID,
        NODE_JOB,
        f"{CLUSTER}-0x{'5e' * 32}",
        f"asset {NODE_DID}, job {NODE_JOB}.",
        f"http://node/ddo/{NODE_DID.replace(':', '%3A')}?x=1",
    ],
)
def test_public_ids_of_later_generations_are_shown(text: str) -> None:
    assert printable(text, limit=300) == f"'{text}'"


def test_an_id_is_shown_whole_where_other_text_is_cut() -> None:
    assert printable(NODE_JOB) == f"'{NODE_JOB}'"
    assert "characters)" in printable(f"{NODE_JOB} and more")


@pytest.mark.parametrize(
    "text",
    [
        f"did:op:{KEY}0",
        f"did:op:{KEY[:-1]}",
        f"did:op:0x{KEY}",
        f"did:xx:{KEY}",
        f"{KEY}-{KEY}",
        f"0x{KEY}-{KEY}0",
        f"0x{KEY}-{KEY[:-1]}",
        f"0x{KEY}-job",
        f"a0x{KEY}{KEY}-{KEY}",
        f"{NODE_DID} {KEY}",
    ],
)
def test_what_only_resembles_a_public_id_is_not_shown(text: str) -> None:
    assert KEY[:20] not in printable(text, limit=300)
    assert "not shown" in printable(text, limit=300)


def test_messages_say_what_came_and_under_which_name() -> None:
    with pytest.raises(InvalidDid, match=r"^algorithm_did must .* got 'nonsense\\n'"):
        check_did("nonsense\n", name="algorithm_did")
    with pytest.raises(InvalidDid, match="got a value of type list"):
        check_did([])


def test_long_text_is_cut() -> None:
    with pytest.raises(InvalidDid) as caught:
        check_did("z" * 100_000)

    assert len(str(caught.value)) < 300
    assert "(100000 characters)" in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["0xa78deb2Fa79463945C247991075E2a0e98Ba7A09", "0xA78DEB2Fa79463945C247991075E2a0e98Ba7A09"],
)
def test_a_wrong_mixed_case_is_refused(address: str) -> None:
    with pytest.raises(InvalidAddress, match="wrong checksum"):
        check_address(address)


@pytest.mark.parametrize("address", ["", ADDRESS[2:], ADDRESS[:-1], ADDRESS + "0", DID, None, 5])
def test_other_values_are_no_address(address: Any) -> None:
    with pytest.raises(InvalidAddress):
        check_address(address)


@pytest.mark.parametrize(
    "value",
    [KEY, "0x" + KEY, f"key {KEY} and more", KEY[:-1], KEY[:50], KEY + KEY, int(KEY, 16)],
)
def test_a_private_key_in_the_wrong_place_is_not_shown(value: Any) -> None:
    for check in (check_did, check_address, check_url):
        with pytest.raises(InvalidInput) as caught:
            check(value)
        assert KEY[:20] not in str(caught.value)
        assert str(int(KEY, 16))[:20] not in str(caught.value)


@pytest.mark.parametrize("value", [MNEMONIC, MNEMONIC.replace(" ", "\n"), f"'{MNEMONIC}'"])
def test_a_mnemonic_in_the_wrong_place_is_not_shown(value: str) -> None:
    for check in (check_did, check_address, check_tx_hash, check_url, check_job_id):
        with pytest.raises(InvalidInput, match="12 words, not shown") as caught:
            check(value)
        assert "junk" not in str(caught.value)


def test_a_sentence_is_shown_as_it_is() -> None:
    said = "the algorithm could not be found in any of the places where it should be"

    assert printable(said) == f"'{said}'"


def test_a_transaction_hash_may_be_text_or_bytes() -> None:
    assert check_tx_hash(TX_HASH) == TX_HASH
    assert check_tx_hash(TX_HASH.upper().replace("X", "x")) == TX_HASH.upper().replace("X", "x")
    assert check_tx_hash(TX_HASH[2:]) == TX_HASH
    assert check_tx_hash(HexBytes(TX_HASH)) == TX_HASH
    assert check_tx_hash(bytes.fromhex(TX_HASH[2:])) == TX_HASH


@pytest.mark.parametrize("value", ["", TX_HASH + "00", TX_HASH[:-1], b"short", None, 7, ADDRESS])
def test_other_values_are_no_transaction_hash(value: Any) -> None:
    with pytest.raises(InvalidTransactionHash):
        check_tx_hash(value)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8030",
        "https://provider.example/api/v1?x=1",
        "http://[::1]:5000/",
        "HTTP://127.0.0.1",
        "https://provider.example/a%20b",
    ],
)
def test_an_absolute_url_is_kept(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8030",
        "//localhost",
        "/api",
        "ftp://localhost",
        "file:///etc/passwd",
        "http://",
        "http://:80",
        "http://local host",
        "http://localhost\n",
        "\thttp://localhost",
        "http://localhost\\@evil",
        "http://localhost:99999",
        "http://localhost:0",
        "http://localhost:port",
        "http://[::1",
        "http://user@localhost",
        "http://localhost/\u00a0x",
        None,
        b"http://localhost",
    ],
)
def test_other_values_are_no_url(url: Any) -> None:
    with pytest.raises(InvalidUrl):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["http://me:hunter2@host/", "http://me:hun/hunter2@host/", "ftp://host/?key=hunter2"]
)
def test_a_refused_url_shows_no_password_and_no_query(url: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        check_url(url)

    assert "hunter2" not in str(caught.value)
    assert "host" in shown_url(url)


UUID = "44c10fbd-755c-4bcb-9bab-67769d4f2e34"


@pytest.mark.parametrize(
    "job_id", [UUID.replace("-", ""), UUID, UUID.upper(), "job-1", "a b", "17", NODE_JOB]
)
def test_a_job_id_is_kept(job_id: str) -> None:
    assert check_job_id(job_id) == job_id


SHORT_IDS: list[Any] = ["", " ", "7", "x ", " x", "x\n", "\u3000x"]
OTHERS: list[Any] = [" xy", "a\x00b", "x" * 129, None, 5, "\ud800"]


@pytest.mark.parametrize("job_id", SHORT_IDS + OTHERS)
def test_other_values_are_no_job_id(job_id: Any) -> None:
    with pytest.raises(InvalidInput, match="job_id must be"):
        check_job_id(job_id)


@pytest.mark.parametrize(
    "job_id", [KEY, "0x" + KEY, KEY.upper(), KEY[1:], f"'{KEY}'", f"job-{KEY}", MNEMONIC]
)
def test_what_may_be_a_key_is_no_job_id(job_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"^job_id must be .*not shown") as caught:
        check_job_id(job_id)

    assert not any(part in str(caught.value).lower() for part in (KEY[1:20], KEY[-20:], "junk"))


def test_a_bare_id_of_a_node_is_taken_and_shown_once_a_back_end_has_named_it() -> None:
    named = "77" * 32
    with pytest.raises(InvalidInput, match="like a transaction hash or a private key"):
        check_job_id(named)
    trust_job_id(named)

    assert check_job_id(named) == named
    assert printable(named) == f"'{named}'"
    assert "not shown" in printable(f"{named} and more")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0, 0),
        ("4", 4),
        (TX_HASH[2:], TX_HASH[2:]),
        ("0" * 64, "0" * 64),
        ("compute", "compute"),
        ("a b", "a b"),
        (UUID, UUID),
    ],
)
def test_a_service_is_named_by_its_index_or_its_id(value: object, kept: object) -> None:
    assert check_service_id(value) == kept


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 1.5, [], "", " x", "x\n", "x" * 129, "9" * 20, TX_HASH, KEY[:-1]]
    + [f"id-{KEY}", MNEMONIC],
)
def test_other_values_name_no_service(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^service_id must be the index .* or the text") as e:
        check_service_id(value)

    assert KEY[:20] not in str(e.value)


def test_service_index_0_is_valid() -> None:
    assert check_service_index(0) == 0
    assert check_service_index("4") == 4


@pytest.mark.parametrize("index", [None, True, -1, 1.0, "", "x", "-1", "٣", "1" * 50, KEY])
def test_other_values_are_no_service_index(index: Any) -> None:
    with pytest.raises(InvalidInput, match="service_id must be the index") as caught:
        check_service_index(index)

    assert KEY[:20] not in str(caught.value)


@pytest.mark.parametrize("index", [2**256, 10**5000], ids=["one more", "huge"])
def test_an_index_that_no_contract_holds_is_refused(index: int) -> None:
    assert check_service_index(2**256 - 1) == 2**256 - 1
    with pytest.raises(InvalidInput, match="larger than any contract"):
        check_service_index(index)


def test_printable_describes_bytes_by_their_length() -> None:
    assert printable(b"secret") == "bytes of length 6"
    assert printable(None) == "None"
    assert printable(4) == "4"


def test_checking_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ocean_lib.checks import check_address; "
        f"check_address('{ADDRESS}'); "
        "sys.exit(bool({'web3', 'eth_account', 'eth_utils', 'requests'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_nodes_job_id_without_its_cluster_is_what_is_told() -> None:
    with pytest.raises(InvalidInput, match=r"a node's start with the cluster"):
        check_place("", NODE_JOB.rpartition("-")[2])


ENCODINGS = ["utf-8", "utf-16", "utf-16-be", "utf-32"]
QUOTES = r'["a\"]", "\\", %s]'


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_that_nests_too_deeply_is_refused(opening: str, encoding: str) -> None:
    for closing in ("", {"[": "]"}.get(opening, "}") * 100_000):
        body = QUOTES % (opening * 100_000 + "1" + closing)
        with pytest.raises(ValueError, match="nests deeper than 200 levels"):
            parse_json(body.encode(encoding))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_refused_from_level_201_on(encoding: str) -> None:
    wide = ",".join(["[" * 199 + "]" * 199] * 3)

    assert len(parse_json(f"[{wide}]".encode(encoding))) == 3
    with pytest.raises(ValueError, match="nests deeper than 200 levels"):
        parse_json(f"[[{wide}]]".encode(encoding))


@given(st.recursive(st.text('[]{}"\\ab') | st.none(), lambda inner: st.lists(inner, max_size=4)))
def test_brackets_in_texts_do_not_count(value: Any) -> None:
    assert parse_json(json.dumps([value, "[{" * 200])) == [value, "[{" * 200]
