"""Assets published from descriptions, read back, changed and published again: always the same."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ocean_lib.assets.asset import Asset
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    AquariusError,
    AssetNotFound,
    ConfigError,
    InvalidDescription,
    InvalidInput,
    OceanEncryptAssetUrlsError,
    ServiceUnavailable,
    TransportError,
)
from ocean_lib.http.deadline import time_limit
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.dialects.v3.encryption import ProviderKey
from ocean_lib.localnet.faults import Drop, Fault, Unavailable
from ocean_lib.ocean.ocean import Ocean
from tests.integration.test_buying_cut_off import RECEIPT, SEND, Gone, ending

CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}
ABOUT = {"author": "a test", "license": "CC0-1.0"}
FILE = {"content": b"a,b\n1,2\n", "name": "table.csv"}
ADDRESSES = [f"0x{number:040x}" for number in range(1, 4)]


def described(name: str, **more: Any) -> dict[str, Any]:
    return {**ABOUT, "name": name, "files": [FILE], **more}


@pytest.fixture(scope="module")
def algorithms(network: LocalNetwork) -> list[str]:
    """Two published algorithms, to be trusted."""
    publish = Ocean(network.config).assets.publish
    about = {"files": [{"content": "print(1)", "name": "a.py"}], "container": CONTAINER}
    return [
        str(publish(described(name, **about), network.wallet(0)).did) for name in ("one", "two")
    ]


def test_an_asset_has_its_did_its_data_token_and_the_transactions(
    network: LocalNetwork, ocean: Ocean, algorithms: list[str]
) -> None:
    text = f"""
        name: Tumours
        author: a test
        license: CC0-1.0
        files: [{{content: "a,b", name: table.csv}}]
        price: 2.5
        compute:
          trusted_algorithms: [{algorithms[0]}]
          cpu: 4
          memory: 8GB
          containers: [{{image: python, tag: "3.11", entrypoint: python3 $ALGO}}]
        credentials:
          allow: [{ADDRESSES[0]}]
        token: {{name: Tumours token, symbol: TUM, cap: 10}}
    """
    wallet = network.wallet(0)
    asset = ocean.assets.publish(text, wallet)

    assert asset.did == f"did:op:{asset.data_token_address[2:]}"
    made, written = [ocean.web3.eth.get_transaction(tx) for tx in asset.transactions]
    assert made["nonce"] + 1 == written["nonce"]
    token = ocean.get_data_token(asset.data_token_address)
    assert (token.symbol(), token.cap(), token.minter()) == ("TUM", 10 * 10**18, wallet.address)
    found = ocean.assets.resolve(str(asset.did))
    service = found.get_service("compute")
    assert service is not None
    assert service.main["cost"] == 2.5
    resources = service.main["provider"]["environment"]
    assert resources["supportedContainers"] == [CONTAINER]
    assert resources["supportedServers"][0]["cpu"] == 4
    assert resources["supportedServers"][0]["memory"] == "8gb"
    assert found.allowed_addresses == [ADDRESSES[0]]
    assert [entry["did"] for entry in found.get_trusted_algorithms() or []] == [algorithms[0]]
    assert found.get_service("access") is None


def test_a_path_leads_to_a_description_whose_files_lie_beside_it(
    network: LocalNetwork, ocean: Ocean, tmp_path: Path
) -> None:
    (tmp_path / "über data.csv").write_text("a\n")
    path = tmp_path / "data.json"
    path.write_text(json.dumps({**ABOUT, "name": "n", "files": ["über data.csv"]}))
    asset = ocean.assets.publish(path, network.wallet(0))

    assert contents(network, asset) == [("über data.csv", b"a\n")]
    assert str(tmp_path) not in json.dumps(asset.as_dictionary())


def test_nothing_is_sent_where_there_is_a_mistake(network: LocalNetwork, ocean: Ocean) -> None:
    wallet = network.wallet(0)
    before = ocean.web3.eth.get_transaction_count(wallet.address)
    files = sorted((network.state_dir / "files").iterdir())

    with pytest.raises(InvalidDescription, match="prize is not known; did you mean price"):
        ocean.assets.publish(described("n", prize=1), wallet)
    with pytest.raises(AssetNotFound):
        ocean.assets.publish(
            described("n", compute={"trusted_algorithms": ["did:op:" + "12" * 20]}), wallet
        )
    with pytest.raises(InvalidInput, match="type must be dataset, got 'algorithm'"):
        ocean.assets.publish(described("n", type="algorithm"), wallet, type="dataset")

    assert ocean.web3.eth.get_transaction_count(wallet.address) == before
    assert sorted((network.state_dir / "files").iterdir()) == files


def test_a_local_file_is_for_the_embedded_network_only(network: LocalNetwork) -> None:
    options = {name: part for name, part in network.options.items() if name != "localnet"}
    elsewhere = Ocean(Config(options_dict=options))

    with pytest.raises(ConfigError, match=r"The content of table\.csv is of this machine"):
        elsewhere.assets.publish(described("n"), network.wallet(0))


def test_what_failed_halfway_goes_on_with_the_same_data_token(
    network: LocalNetwork, ocean: Ocean
) -> None:
    wallet = network.wallet(0)
    before = ocean.web3.eth.get_transaction_count(wallet.address)
    network.faults.set(Unavailable("encrypt", times=9))
    try:
        with pytest.raises(OceanEncryptAssetUrlsError, match="on the chain already") as failed:
            ocean.assets.publish(described("n"), wallet)
    finally:
        network.faults.clear()
    (advice,) = re.findall(r"`token: (.*)`", str(failed.value))

    asset = ocean.assets.publish(described("n", token=yaml.safe_load(advice)), wallet)

    assert ocean.web3.eth.get_transaction_count(wallet.address) == before + 2
    assert len(asset.transactions) == 1
    assert contents(network, asset) == [("table.csv", FILE["content"])]


@pytest.mark.parametrize(
    ("at", "method", "said"),
    [
        (1, SEND, r"transaction 0x\w{64} may have been sent, to call createToken"),
        (1, RECEIPT, r"transaction 0x\w{64} was sent, to call createToken"),
        (2, SEND, r"transaction 0x\w{64} may have been sent, to call create of Metadata"),
    ],
)
def test_ctrl_c_says_what_was_sent(
    network: LocalNetwork, ocean: Ocean, at: int, method: str, said: str
) -> None:
    wallet = network.wallet(7)
    with (
        ending(KeyboardInterrupt, at, method=method),
        pytest.raises(KeyboardInterrupt, match=said),
    ):
        ocean.assets.publish(described("n"), wallet)


def test_ctrl_c_between_two_transactions_says_how_to_go_on(
    network: LocalNetwork, ocean: Ocean
) -> None:
    wallet = network.wallet(7)
    with pytest.raises(KeyboardInterrupt, match=r"the asset was not published\. The data token"):
        ocean.assets.publish(described("n"), Gone(wallet, KeyboardInterrupt))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Unavailable("metadata"), AquariusError),
        (Drop("metadata"), TransportError),
        (Unavailable("fileinfo"), ServiceUnavailable),
    ],
    ids=["the cache is busy", "the cache hangs up", "the Provider is busy"],
)
def test_a_server_that_fails_is_named_before_a_transaction_is_sent(
    network: LocalNetwork, ocean: Ocean, fault: Fault, kind: type[Exception]
) -> None:
    wallet = network.wallet(0)
    before = ocean.web3.eth.get_transaction_count(wallet.address)
    network.faults.set(fault)
    try:
        with time_limit(10), pytest.raises(kind):
            ocean.assets.publish(described("n"), wallet)
    finally:
        network.faults.clear()

    assert ocean.web3.eth.get_transaction_count(wallet.address) == before


def test_words_type_and_owner_find_assets(
    network: LocalNetwork, ocean: Ocean, algorithms: list[str]
) -> None:
    def dids(*text: str, **more: Any) -> list[str]:
        return [str(asset.did) for asset in ocean.assets.find(*text, **more)]

    other = network.wallet(5)
    of_other_tests = dids(owner=other.address)
    name = 'Okapis (C++ OR "stripes" AND'
    mine = str(ocean.assets.publish(described(name), other).did)
    ocean.assets.publish(described("n", credentials={"deny": [other.address]}), network.wallet(0))

    assert dids(name) == [mine]
    assert dids("okapis CC0-1.0") == [mine]
    assert dids("okapis", type="algorithm") == []
    assert dids("okapis unicorns") == []
    assert set(algorithms) <= set(dids(type="algorithm", limit=10_000))
    assert set(dids(owner=other.address.lower())) == {mine, *of_other_tests}
    assert len(dids(limit=2)) == 2
    for wrong in ({"type": "data"}, {"owner": "0x1"}, {"limit": 0}):
        with pytest.raises(InvalidInput):
            dids(**wrong)


lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
addresses = st.lists(st.sampled_from(ADDRESSES), unique=True)
amounts = st.one_of(st.integers(0, 1000), st.floats(0, 1000).map(lambda x: round(x, 3)))
sizes = st.builds("{}{}".format, st.integers(1, 999), st.sampled_from(["mb", "gb"]))
names = lines.filter(lambda name: not {"/", "\\"} & {*name} and name not in (".", ".."))
contents_of = st.fixed_dictionaries({"content": st.binary(max_size=20), "name": names})


def optional(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


COMMON = {
    "description": texts,
    "tags": st.lists(lines, max_size=2),
    "categories": st.lists(lines, max_size=2),
    "copyright_holder": lines,
    "work_example": lines,
    "language_of_text": st.just("en"),
    "price": amounts,
    "timeout": st.integers(0, 10**6),
    "disabled": st.booleans(),
    "credentials": optional(allow=addresses, deny=addresses),
}
FLAGS = ("allow_raw_algorithm", "allow_all_published_algorithms", "allow_network_access")


def descriptions(algorithms: list[str]) -> Any:
    compute = optional(
        trusted_algorithms=st.lists(st.sampled_from(algorithms), unique=True),
        trusted_publishers=addresses,
        max_run_time=st.integers(1, 10**6),
        cpu=st.integers(1, 64),
        gpu=st.integers(0, 8),
        memory=sizes,
        disk=sizes,
        containers=st.lists(st.just(CONTAINER), max_size=2),
        **dict.fromkeys(FLAGS, st.booleans()),
    )
    offers = st.one_of(
        st.fixed_dictionaries({"compute": compute}, optional={"access": st.booleans()}),
        st.just({"compute": False, "access": True}),
    )
    about = st.fixed_dictionaries(
        {"name": lines, "author": lines, "license": lines}, optional=COMMON
    )
    data = st.builds(
        lambda about, offers, files: {**about, **offers, "files": files},
        about,
        offers,
        st.lists(contents_of, min_size=1, max_size=3),
    )
    code = st.builds(
        lambda about, more, file: {**about, **more, "container": CONTAINER, "files": [file]},
        about,
        optional(language=lines, format=lines, version=lines),
        contents_of,
    )
    return st.one_of(st.tuples(data, data), st.tuples(code, code))


@pytest.mark.parametrize("part", range(2))
def test_what_is_published_can_be_read_back_changed_and_published_again(
    network: LocalNetwork, algorithms: list[str], part: int
) -> None:
    ocean, wallet = Ocean(network.config), network.wallet(0)

    @settings(
        max_examples=6,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # each example takes seconds: a failure is shown as it was found
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(descriptions(algorithms))
    def check(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
        first, second = pair
        one = str(ocean.assets.publish(first, wallet).did)
        shown = ocean.assets.show(one)
        back = shown.description
        assert ocean.assets.change(one, str(shown), wallet).differences == ()
        two = str(ocean.assets.publish({**back, "files": first["files"]}, wallet).did)
        assert document(ocean, two) == document(ocean, one)
        assert sealed(network, ocean, two) == sealed(network, ocean, one)

        # Names that are left out would stay; without a value they get their defaults.
        emptied = {name: None for name in first if name not in second}
        nothing = dict.fromkeys(COMPUTE_NAMES) if isinstance(second.get("compute"), dict) else {}
        wanted = {**emptied, **second, **_without_values(second, nothing)}
        ocean.assets.change(one, wanted, wallet)
        token = back["token"]
        three = str(ocean.assets.publish({**second, "token": token}, wallet).did)
        assert document(ocean, three) == document(ocean, one)
        assert sealed(network, ocean, three) == sealed(network, ocean, one)

    check()


COMPUTE_NAMES = (
    *("trusted_algorithms", "trusted_publishers", "max_run_time", "cpu", "gpu", "memory", "disk"),
    *("containers", *FLAGS),
)


def _without_values(second: dict[str, Any], nothing: dict[str, None]) -> dict[str, Any]:
    lists = {"allow": None, "deny": None, **second.get("credentials", {})}
    computed = {"compute": {**nothing, **second["compute"]}} if nothing else {}
    return {"credentials": lists, **computed}


def document(ocean: Ocean, did: str) -> Any:
    """Return a published document without what must differ."""
    found = ocean.assets.resolve(did).as_dictionary()
    text = json.dumps(found)
    for address in (found["dataToken"][2:], did[7:]):
        text = re.sub(address, "THE ASSET", text, flags=re.IGNORECASE)
    bare: dict[str, Any] = json.loads(text)
    for service in bare["service"]:
        for name in ("dateCreated", "datePublished"):
            service["attributes"]["main"].pop(name, None)
        service["attributes"].pop("encryptedFiles", None)
    for name in ("created", "updated"):
        bare.pop(name)
    for name in ("created", "signatureValue", "checksum"):
        bare["proof"].pop(name)
    bare["service"].sort(key=lambda service: service["index"])
    return bare


def sealed(network: LocalNetwork, ocean: Ocean, did: str) -> list[tuple[str, bytes]]:
    return contents(network, ocean.assets.resolve(did))


def contents(network: LocalNetwork, asset: Asset) -> list[tuple[str, bytes]]:
    """Decrypt an asset's files with the Provider's key, and read what is at their URLs."""
    keys = json.loads((network.state_dir / "keys.json").read_text())
    found = []
    for file in ProviderKey(keys["provider"]).decrypt_files(asset.encrypted_files, str(asset.did)):
        path = unquote(urlsplit(file["url"]).path)
        found.append((Path(path).name, (network.state_dir / path.lstrip("/")).read_bytes()))
    return found


def test_what_is_shown_is_a_description(
    network: LocalNetwork, ocean: Ocean, algorithms: list[str]
) -> None:
    given_ = described("n", price=3, compute={"trusted_algorithms": algorithms, "gpu": 1})
    asset = ocean.assets.publish(copy.deepcopy(given_), network.wallet(0))

    shown = ocean.assets.show(str(asset.did))

    assert shown.description == {
        **{name: value for name, value in given_.items() if name != "files"},
        "type": "dataset",
        "token": {"name": "n", "symbol": "n"},
    }
    assert shown.services == ({"index": 4, "type": "compute", "price": "3", "timeout": 3600},)
    assert shown.files == ("text/csv",)
    assert shown.publisher == network.wallet(0).address
    assert shown.as_dict()["data_token"] == asset.data_token_address
    nothing = ocean.assets.change(str(asset.did), str(shown), network.wallet(0))
    assert (nothing.differences, nothing.tx_hashes) == ((), ())
    assert "<table>" in shown._repr_html_()


DOC = Path(__file__).parents[2] / "docs" / "publishing.md"


def test_the_documents_python_runs(
    network: LocalNetwork,
    ocean: Ocean,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "name: Tumours\nauthor: a test\nlicense: CC0-1.0\n"
    Path("tumours.yaml").write_text(f"{text}files: [{{content: a, name: a.csv}}]\n")
    wallet = network.wallet(6)
    names = {"ocean": ocean, "wallet": wallet, "address": wallet.address}

    blocks = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, "publishing.md", "exec"), names)
        names["did"] = str(names["asset"].did)  # type: ignore[attr-defined]

    assert len(blocks) == 4
    shown = capsys.readouterr().out
    assert "price: 1 -> 2" in shown
    assert yaml.safe_load(shown[shown.index("type: dataset") :]) == {
        "type": "dataset",
        "name": "Tumours",
        "author": "a test",
        "license": "CC0-1.0",
        "price": 2,
        "credentials": {"allow": [wallet.address.lower()]},
        "token": {"name": "Tumours", "symbol": "Tumours"},
        "compute": {"cpu": 4},
    }
