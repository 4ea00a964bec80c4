"""Assets are checked before anything is sent, and published as ocean.py did."""

import copy
import inspect
import json
import lzma
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_factory import ServiceDescriptor
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import OrderRequirements
from ocean_lib.exceptions import (
    AquariusError,
    AssetNotConsumable,
    AssetNotFound,
    ChainError,
    ConfigError,
    ConnectionBroken,
    ContractNotFound,
    DownloadError,
    InvalidAddress,
    InvalidDid,
    InvalidInput,
    InvalidUrl,
    MalformedResponse,
    ProviderFault,
    RequestTimeout,
    TransactionFailed,
)
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.models.data_token import DataToken
from ocean_lib.ocean.ocean_assets import OceanAssets
from ocean_lib.web3_internal.wallet import Wallet

VECTORS = Path(__file__).parents[2] / "vectors" / "provider-v3"
PUBLISHER = Wallet(None, "0x5d75837394b078ce97bc289fa8d75e21000573520bfa7784a9d28ccaae602bf8")
CONSUMER = Wallet(None, "0x8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99")
ALGORITHM = "0x1Bc77d1993174a542003f1612c7C318f14804360"
DATASET = "0x16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"


def recorded(name: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / f"{name}.json").read_text())["exchanges"]


def body_of(exchanges: list[dict[str, Any]], path: str) -> Any:
    return json.loads(next(e for e in exchanges if path in e["target"])["request_body"])


PUBLISHED = json.loads(recorded("02-publish-dataset-compute")[0]["response_body"])
DATASET_DDO = json.loads(recorded("04-order-dataset-initialize")[0]["response_body"])
METADATA = body_of(recorded("01-publish-algorithm"), "/validate")
ENCRYPT = next(e for e in recorded("01-publish-algorithm") if "/encrypt" in e["target"])


class Chain(ChainAccess):
    """Records what would be sent."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []
        self.written: list[tuple[Any, ...]] = []
        self.proposed: list[str] = []
        self.write_error: Exception | None = None
        self.minter = PUBLISHER.address
        self.is_ours = True
        self.flags: list[bytes] = []

    def make_data_token(self, *args: Any) -> Any:
        self.made.append(args)
        return self.data_token(ALGORITHM)

    def data_token(self, address: str) -> Any:
        return SimpleNamespace(
            address=address,
            made_in="0x" + "cd" * 32,
            minter=lambda: self.minter,
            proposeMinter=lambda owner, wallet: self.proposed.append(owner),
        )

    def dtfactory(self) -> Any:
        return SimpleNamespace(verify_data_token=lambda address: self.is_ours)

    def metadata_contract(self, address: Any) -> Any:
        def write(*args: Any) -> str:
            if self.write_error:
                raise self.write_error
            self.written.append(args)
            return "0x" + "ab" * 32

        def logs(event: str, wanted: Any) -> list[Any]:
            assert wanted == {"dataToken": ALGORITHM}
            kept = self.flags[:1] if event == "MetadataCreated" else self.flags[1:]
            first = self.flags.index(kept[0]) if kept else 0
            return [
                {"blockNumber": first + place, "logIndex": 0, "args": {"flags": flags}}
                for place, flags in enumerate(kept)
            ]

        return SimpleNamespace(create=write, update=write, get_event_logs=logs)


class Provider:
    """A Provider that answers as recorded."""

    def __init__(self) -> None:
        self.reachable = True
        self.encrypted: list[Any] = []
        self.requirements = OrderRequirements(1, DATASET, PUBLISHER.address, 1, None)

    def get_url(self, config: Any) -> str:
        return str(config.provider_url)

    def check_single_file_info(self, url: str, provider_uri: str) -> bool:
        return self.reachable

    def check_asset_file_info(self, asset: Any, provider_uri: str) -> bool:
        return self.reachable

    def build_download_endpoint(self, provider_uri: str) -> tuple[str, str]:
        return "GET", "http://127.0.0.1:28031/api/v1/services/download"

    def build_initialize_endpoint(self, provider_uri: str) -> tuple[str, str]:
        return "GET", f"{provider_uri}/initialize"

    def encrypt_files(self, files: Any, asset_id: str, wallet: Any, provider_uri: str) -> str:
        self.encrypted.append((copy.deepcopy(files), asset_id, wallet.address, provider_uri))
        return json.loads(ENCRYPT["response_body"])["encryptedDocument"]

    def get_order_requirements(self, *args: Any) -> OrderRequirements:
        self.asked = args
        return self.requirements

    def download_service(self, *args: Any) -> list[str]:
        self.downloaded = args
        return []


class Cache:
    """A metadata cache that takes any metadata, and holds what is put in."""

    def __init__(self) -> None:
        self.faults: list[Any] = []
        self.ddos: dict[str, dict[str, Any]] = {}

    def validate_metadata(self, metadata: Any) -> tuple[bool, list[Any]]:
        return not self.faults, self.faults

    def get_service_endpoint(self) -> str:
        return "http://127.0.0.1:28501/api/v1/aquarius/assets/ddo/{did}"

    def get_asset_ddo(self, did: str) -> Any:
        if did not in self.ddos:
            raise AssetNotFound(f"no {did}")
        return Asset(dictionary=self.ddos[did])

    def query_search(self, query: Any, sort: Any, offset: int, page: int) -> Any:
        self.query = (query, sort, offset, page)
        return {"results": list(self.ddos.values())}


NOWHERE = Config(
    options_dict={
        "eth-network": {"network": "http://127.0.0.1:9"},
        "resources": {
            "provider.url": "http://127.0.0.1:28031",
            "metadata_cache_uri": "http://127.0.0.1:9",
        },
    }
)


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def assets(chain: Chain, provider: Provider, cache: Cache) -> OceanAssets:
    return OceanAssets(NOWHERE, provider, None, chain=chain, aquarius=cache)


def create(assets: OceanAssets, metadata: Any = METADATA, wallet: Any = PUBLISHER, **options: Any):
    return assets.create(metadata, wallet, wait_for_cache_s=0, **options)


def sent_document(chain: Chain) -> dict[str, Any]:
    ((_, flags, data, _),) = chain.written
    assert flags == b"\x01"
    return json.loads(lzma.decompress(data))


def without_cache_keys(ddo: dict[str, Any]) -> dict[str, Any]:
    """Take out what the metadata cache adds, and what depends on the clock."""
    own = copy.deepcopy(ddo)
    for key in ("updated", "accessWhiteList", "price", "dataTokenInfo", "isInPurgatory", "created"):
        own.pop(key, None)
    own["proof"].pop("created")
    attributes = own["service"][0]["attributes"]
    attributes.pop("curation", None)
    attributes["main"].pop("datePublished", None)
    return own


def test_the_document_published_is_the_one_ocean_py_published(assets, chain, provider):
    asset = create(assets)

    assert without_cache_keys(sent_document(chain)) == without_cache_keys(PUBLISHED)
    assert asset.did == PUBLISHED["id"]
    files, asset_id, publisher, place = provider.encrypted[0]
    recorded_body = json.loads(ENCRYPT["request_body"])
    assert json.dumps(files) == recorded_body["document"]
    assert (asset_id, publisher) == (recorded_body["documentId"], recorded_body["publisherAddress"])
    assert place == NOWHERE.provider_url


def test_the_files_urls_are_not_published(assets, chain):
    create(assets)

    assert METADATA["main"]["files"][0]["url"] not in json.dumps(sent_document(chain))


def test_the_metadata_and_descriptors_given_are_not_changed(assets):
    attributes = {"main": {"name": "x", "cost": 2}}
    descriptors = [ServiceDescriptor.access_service_descriptor(attributes, "http://p/{did}")]
    metadata, before = copy.deepcopy(METADATA), copy.deepcopy((METADATA, descriptors))

    asset = create(assets, metadata, service_descriptors=descriptors)
    asset.get_service("access").main["cost"] = 3

    assert (metadata, descriptors) == before


def test_the_data_token_is_named_after_the_asset_unless_told_otherwise(assets, chain):
    create(assets)
    create(assets, dt_name="n", dt_symbol="s", dt_blob="b", dt_cap="2.5")

    assert chain.made[0][:4] == ("", "flow algo 0.5.25", "flow algo 0.5.25", 1000 * 10**18)
    assert chain.made[1][:4] == ("b", "n", "s", 25 * 10**17)


def test_an_owner_is_proposed_as_minter(assets, chain):
    create(assets, owner_address=CONSUMER.address.lower())

    assert chain.proposed == [CONSUMER.address]


def changed(**main: Any) -> dict[str, Any]:
    return {**METADATA, "main": {**METADATA["main"], **main}}


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({}, InvalidInput),
        ([], InvalidInput),
        ({"main": {"type": "model"}}, InvalidInput),
        (changed(name=""), InvalidInput),
        (changed(files=[]), InvalidInput),
        (changed(files=["x"]), InvalidInput),
        (changed(files=[{"url": "ftp://x"}]), InvalidUrl),
        (changed(files=[{}]), InvalidUrl),
    ],
)
def test_metadata_that_cannot_work_is_refused_before_anything(assets, chain, metadata, error):
    with pytest.raises(error):
        create(assets, metadata)

    assert (chain.made, chain.written) == ([], [])


def test_what_the_cache_or_the_provider_refuses_is_not_published(assets, chain, provider, cache):
    cache.faults = [{"message": "'author' is a required property"}]
    with pytest.raises(ValueError, match=r"author.*Nothing was published"):
        create(assets)
    cache.faults = []
    provider.reachable = False
    with pytest.raises(ValueError, match=r"cannot reach file 0.*Nothing was published"):
        create(assets)

    assert (chain.made, chain.written) == ([], [])


@pytest.mark.parametrize(
    "descriptors",
    [
        "x",
        ["x"],
        [("access", {})],
        [("nothing", {"attributes": {}, "serviceEndpoint": ""})],
        [ServiceDescriptor.compute_service_descriptor({"main": {}}, "http://p")] * 2,
        [([], {"attributes": {"main": {}}, "serviceEndpoint": "http://p"})],
        [({}, {})],
    ],
)
def test_wrong_descriptors_are_refused_before_anything(assets, chain, descriptors):
    with pytest.raises(InvalidInput):
        create(assets, service_descriptors=descriptors)

    assert (chain.made, chain.written) == ([], [])


@pytest.mark.parametrize(
    ("attributes", "endpoint", "message"),
    [
        ({}, "http://p", "has no 'main'"),
        ({"main": {"cost": Decimal(1)}}, "http://p", "JSON values only"),
        ({"main": {"cost": float("nan")}}, "http://p", "JSON values only"),
        ({"main": {}, "more": b"x"}, "http://p", "JSON values only"),
        ({"main": {"cost": -1}}, "http://p", "no price that can be paid"),
        ({"main": {"cost": "free"}}, "http://p", "no price that can be paid"),
        ({"main": {"cost": None}}, "http://p", "no price that can be paid"),
        ({"main": {"cost": 1}}, None, "serviceEndpoint of the 'compute' service"),
        ({"main": {"cost": 1}}, 5, "serviceEndpoint of the 'compute' service"),
        ({"main": {"cost": 1}}, "provider", "serviceEndpoint of the 'compute' service"),
    ],
)
def test_a_service_that_nobody_could_use_is_refused_before_anything(
    assets, chain, attributes, endpoint, message
):
    descriptor = ServiceDescriptor.compute_service_descriptor(attributes, endpoint)

    with pytest.raises(InvalidInput, match=rf"{message}.*Nothing was published\.$"):
        create(assets, service_descriptors=[descriptor])

    assert (chain.made, chain.written) == ([], [])


@pytest.mark.parametrize("seconds", [None, "x", -1, True, float("nan"), [], b"1"])
def test_a_wait_for_the_cache_that_cannot_be_is_refused_before_anything(assets, chain, seconds):
    with pytest.raises(InvalidInput, match="wait_for_cache_s must be"):
        assets.create(METADATA, PUBLISHER, wait_for_cache_s=seconds)
    with pytest.raises(InvalidInput, match="wait_for_cache_s must be"):
        assets.update(Asset(dictionary=PUBLISHED), PUBLISHER, wait_for_cache_s=seconds)

    assert (chain.made, chain.written) == ([], [])


@pytest.mark.parametrize("wrong", [None, PUBLISHED, PUBLISHED["id"], PUBLISHER, Asset])
def test_what_is_no_asset_is_not_updated(assets, chain, wrong):
    with pytest.raises(InvalidInput, match="asset must be an Asset, got"):
        assets.update(wrong, PUBLISHER)

    assert chain.written == []


@pytest.mark.parametrize("flags", [[b"\x02"], [b"\x03"], [b"\x01", b"\x01", b"\x03"]])
def test_a_document_that_is_encrypted_on_the_chain_is_not_updated_in_the_clear(
    assets, chain, flags
):
    chain.flags = flags

    with pytest.raises(InvalidInput, match=r"encrypted on the chain.*Nothing was sent"):
        assets.update(Asset(dictionary=PUBLISHED), PUBLISHER, wait_for_cache_s=0)

    assert chain.written == []


@pytest.mark.parametrize("flags", [[], [b""], [b"\x00"], [b"\x01"], [b"\x03", b"\x01"]])
def test_a_document_that_is_in_the_clear_is_updated(assets, chain, flags):
    chain.flags = flags

    assert assets.update(Asset(dictionary=PUBLISHED), PUBLISHER, wait_for_cache_s=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal(1), b"x", {1}])
def test_what_is_no_json_does_not_go_on_the_chain(assets, chain, value):
    asset = Asset(dictionary=PUBLISHED)
    asset.metadata["main"]["more"] = value

    with pytest.raises(InvalidInput, match=r"JSON values only.*Nothing was sent"):
        assets.update(asset, PUBLISHER, wait_for_cache_s=0)

    assert chain.written == []


def test_a_wrong_wallet_owner_or_cap_is_refused_before_anything(assets, chain):
    with pytest.raises(InvalidInput, match="wallet is needed"):
        create(assets, wallet="0x12")
    with pytest.raises(InvalidAddress):
        create(assets, owner_address="0x12")
    for cap in (-1, "", [], True):
        with pytest.raises(InvalidInput):
            create(assets, dt_cap=cap)

    assert (chain.made, chain.written) == ([], [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        *(({"dt_cap": cap}, "dt_cap must be") for cap in ("", "x", [], True, b"1", "nan", "1e999")),
        *(({"dt_cap": cap}, "dt_cap must be") for cap in (0, "0", -1, 1e-19, 2**256, 1.0e60)),
        *(({"dt_name": name}, "dt_name must be text") for name in (5, b"x", [], "\ud800")),
        *(({"dt_symbol": symbol}, "dt_symbol must be text") for symbol in (5, False, {})),
        *(({"dt_blob": blob}, "dt_blob must be text") for blob in (5, b"x", {"t": 1})),
        *(({"owner_address": owner}, "owner_address must be") for owner in ("x", 5, b"x")),
        *(({"data_token_address": at}, "data_token_address must be") for at in ("x", 5, [1])),
        *(({"provider_uri": url}, "provider_uri must be") for url in ("x", 5, "ftp://x")),
    ],
    ids=str,
)
def test_an_argument_about_the_data_token_is_named_before_anything(
    assets, chain, provider, monkeypatch, options, said
):
    monkeypatch.setattr(provider, "check_single_file_info", None)

    with pytest.raises(InvalidInput, match=said):
        create(assets, **options)

    assert (chain.made, chain.written) == ([], [])


def test_a_failure_halfway_keeps_its_type_and_says_how_to_go_on(assets, chain):
    chain.write_error = TransactionFailed("Cannot write.", tx_hash="0x1")

    with pytest.raises(TransactionFailed) as caught:
        create(assets)

    assert str(caught.value).startswith("Cannot write. The data token")
    assert f"data_token_address='{ALGORITHM}'" in str(caught.value)
    assert caught.value.tx_hash == "0x1"


def test_an_error_of_the_provider_halfway_keeps_its_attributes(assets, provider, monkeypatch):
    def refuse(*_: Any) -> str:
        raise ProviderFault("Cannot encrypt.", status_code=500)

    monkeypatch.setattr(provider, "encrypt_files", refuse)

    with pytest.raises(ProviderFault, match=ALGORITHM) as caught:
        create(assets)

    assert caught.value.status_code == 500


def test_going_on_with_a_data_token_makes_no_other(assets, chain):
    asset = create(assets, data_token_address=ALGORITHM.lower())

    assert chain.made == []
    assert asset.did == PUBLISHED["id"]


def test_a_data_token_given_must_be_free_and_the_publishers(assets, chain, cache):
    chain.is_ours = False
    with pytest.raises(ContractNotFound):
        create(assets, data_token_address=ALGORITHM)
    chain.is_ours, chain.minter = True, CONSUMER.address
    with pytest.raises(AssertionError, match="minter"):
        create(assets, data_token_address=ALGORITHM)
    chain.minter = PUBLISHER.address
    cache.ddos[PUBLISHED["id"]] = PUBLISHED
    with pytest.raises(AquariusError, match="already registered"):
        create(assets, data_token_address=ALGORITHM)

    assert chain.written == []


def test_a_cache_that_is_slow_does_not_lose_the_asset(assets, caplog):
    asset = assets.create(METADATA, PUBLISHER, wait_for_cache_s=0.01)

    assert asset.did == PUBLISHED["id"]
    assert "metadata cache does not have it" in caplog.text


def test_an_asset_in_the_cache_ends_the_wait(assets, cache, caplog):
    cache.ddos[PUBLISHED["id"]] = PUBLISHED

    assets.create(METADATA, PUBLISHER, wait_for_cache_s=60)

    assert caplog.text == ""


def test_an_update_writes_the_changed_document(assets, chain):
    asset = Asset(dictionary=PUBLISHED)
    asset.disable()

    tx_hash = assets.update(asset, PUBLISHER, wait_for_cache_s=0)

    assert tx_hash == "0x" + "ab" * 32
    assert sent_document(chain)["service"][0]["attributes"]["status"] == {"isOrderDisabled": True}
    assert sent_document(chain)["status"] == {"isOrderDisabled": True}
    with pytest.raises(InvalidDid):
        assets.update(Asset(), PUBLISHER)


def test_a_tuple_comes_back_as_a_list_and_ends_the_wait(assets, cache, caplog):
    asset = Asset(dictionary=PUBLISHED)
    asset.services[0].attributes["additionalInformation"] = {"tags": ("a", "b")}
    cache.ddos[PUBLISHED["id"]] = json.loads(asset.as_text())

    assets.update(asset, PUBLISHER, wait_for_cache_s=0.2)

    assert caplog.text == ""


@pytest.mark.parametrize("attributes", [None, {}, {"main": None}, {"main": []}])
def test_after_an_update_the_wait_takes_the_metadata_as_it_is(assets, chain, attributes):
    document = copy.deepcopy(PUBLISHED)
    document["service"][0]["attributes"] = attributes
    if attributes is None:
        del document["service"][0]["attributes"]

    assert assets.update(Asset(dictionary=document), PUBLISHER, wait_for_cache_s=0.01)


@pytest.fixture
def dataset(cache: Cache) -> str:
    cache.ddos[DATASET_DDO["id"]] = copy.deepcopy(DATASET_DDO)
    return str(DATASET_DDO["id"])


@pytest.mark.parametrize("which", [{"service_index": 4}, {"service_type": "compute"}])
def test_an_order_asks_the_provider_as_recorded(assets, provider, dataset, which):
    requirements = assets.order(dataset, CONSUMER.address, **which)

    assert requirements.data_token_address == DATASET
    assert provider.asked[0] == dataset
    assert provider.asked[2:] == (CONSUMER.address, 4, "compute", DATASET)


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ({}, "service_index or service_type"),
        ({"service_index": 0}, "is its metadata and cannot be ordered.*4 .compute."),
        ({"service_index": 3}, "no service of index 3"),
        ({"service_type": "access"}, "no service of type 'access'"),
        ({"service_index": -1}, "service_index"),
        ({"service_index": True}, "service_index"),
    ],
)
def test_a_service_that_cannot_be_ordered_is_refused_with_a_reason(assets, dataset, which, message):
    with pytest.raises(AssertionError, match=message):
        assets.order(dataset, CONSUMER.address, **which)


def test_an_order_needs_an_asset_that_can_be_consumed(assets, provider, cache, dataset):
    provider.reachable = False
    with pytest.raises(AssetNotConsumable) as unreachable:
        assets.order(dataset, CONSUMER.address, 4)
    asset = Asset(dictionary=cache.ddos[dataset])
    asset.disable()
    cache.ddos[dataset] = asset.as_dictionary()
    with pytest.raises(AssetNotConsumable) as disabled:
        assets.order(dataset, CONSUMER.address, 4)

    codes = (unreachable.value.consumable_code, disabled.value.consumable_code)
    assert codes == (2, 1)


def test_a_provider_that_wants_another_token_is_not_believed(assets, provider, dataset):
    provider.requirements = provider.requirements._replace(data_token_address=ALGORITHM)

    with pytest.raises(MalformedResponse, match="Nothing was paid"):
        assets.order(dataset, CONSUMER.address, 4)


def test_an_unknown_asset_and_a_wrong_did_are_told_apart(assets):
    with pytest.raises(AssetNotFound):
        assets.resolve(DATASET_DDO["id"])
    with pytest.raises(InvalidDid):
        assets.resolve("did:op:12")


def test_a_download_goes_into_the_assets_own_folder(assets, provider, cache, tmp_path):
    cache.ddos[PUBLISHED["id"]] = PUBLISHED

    folder = assets.download(PUBLISHED["id"], 3, CONSUMER, "0x" + "1" * 64, tmp_path / "a" / "b", 0)

    assert folder == str(tmp_path / "a" / "b" / f"datafile.{ALGORITHM}.3")
    assert Path(folder).is_dir()
    assert provider.downloaded[0] == PUBLISHED["id"]
    assert provider.downloaded[4:] == (folder, 3, ALGORITHM, "0x" + "1" * 64, 0)


@pytest.mark.parametrize("destination", [None, 5, b"x", "a\0b", "~nobody-of-this-name/x"])
def test_a_destination_that_is_no_path_is_named_before_anybody_is_asked(assets, destination):
    with pytest.raises(InvalidInput, match="destination must be the path of a folder"):
        assets.download(PUBLISHED["id"], 3, CONSUMER, "0x" + "1" * 64, destination)


def test_a_destination_that_cannot_be_made_is_a_download_error(assets, cache, tmp_path):
    cache.ddos[PUBLISHED["id"]] = PUBLISHED
    (tmp_path / "file").touch()

    with pytest.raises(DownloadError, match=r"file/datafile.* cannot be created: Not a directory"):
        assets.download(PUBLISHED["id"], 3, CONSUMER, "0x" + "1" * 64, tmp_path / "file")


def test_a_download_with_a_wrong_order_leaves_no_folder(assets, cache, tmp_path):
    cache.ddos[PUBLISHED["id"]] = PUBLISHED

    with pytest.raises(InvalidInput, match="order_tx_id must be"):
        assets.download(PUBLISHED["id"], 3, CONSUMER, "0x12", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_compute_service_gives_no_files_away(assets, dataset, tmp_path):
    with pytest.raises(InvalidInput, match="only access services"):
        assets.download(dataset, 4, CONSUMER, "0x" + "1" * 64, tmp_path)


def test_searches_ask_as_ocean_py_did(assets, cache, dataset):
    found = assets.search("text", {"x": 1}, 5, 2)

    query = {"query": {"query_string": {"query": "text"}}}
    assert cache.query == (query, {"x": 1}, 5, 2)
    assert [asset.did for asset in found] == [dataset]
    assert assets.owner_assets(PUBLISHER.address) == [dataset]
    assert cache.query[0]["query"]["query_string"]["fields"] == ["proof.creator"]
    assert assets.owner(dataset) == PUBLISHER.address


@pytest.mark.parametrize(
    ("options", "said"),
    [
        *(({"text": text}, "text must be text") for text in (None, 5, b"x", ["x"])),
        *(({"sort": sort}, "sort must be") for sort in ("x", ["x"], {"x": 2}, {"x": True}, {5: 1})),
        *(({"sort": sort}, "sort must be") for sort in ({"x": "asc"}, {"": 1}, {"x": 1.0}, 0)),
        *(({"offset": n}, "offset must be a whole number from 1") for n in (0, -1, True, None)),
        *(({"offset": n}, "offset must be a whole number from 1") for n in ("5", 1.5, 10**30)),
        *(({"page": n}, "page must be a whole number from 1") for n in (0, -1, True, None)),
        *(({"page": n}, "page must be a whole number from 1") for n in ("5", 1.5, 10**30)),
        *(({"metadata_cache_uri": u}, "metadata_cache_uri must be") for u in ("", "x", 5, [])),
    ],
    ids=str,
)
def test_a_search_that_cannot_be_is_refused_before_anything_is_sent(options, said):
    assets = OceanAssets(NOWHERE, Provider())

    with pytest.raises(InvalidInput, match=said):
        assets.search(**{"text": "x", **options})


@pytest.mark.parametrize("query", [None, "x", [], {"x": b"y"}, {"x": float("nan")}, {1, 2}])
def test_a_query_that_is_no_json_object_is_refused_before_anything_is_sent(query):
    with pytest.raises(InvalidInput, match="query must be a dict"):
        OceanAssets(NOWHERE, Provider()).query(query)


def test_all_assets_of_an_owner_are_found_page_by_page(assets, cache, monkeypatch):
    asked = []

    def search(query: Any, sort: Any, offset: int, page: int) -> Any:
        asked.append((offset, page))
        return {"results": [*_assets(page, 999), "broken"] if page < 3 else _assets(page, 1)}

    monkeypatch.setattr(cache, "query_search", search)

    assert len(assets.owner_assets(PUBLISHER.address)) == 1999
    assert asked == [(1000, 1), (1000, 2), (1000, 3)]
    with pytest.raises(InvalidInput, match="owner_address must be"):
        assets.owner_assets("0x12")


def test_a_page_that_is_not_full_is_not_the_last_if_the_cache_says_so(assets, cache, monkeypatch):
    def search(query: Any, sort: Any, offset: int, page: int) -> Any:
        return {"results": [*_assets(page, 2), *_assets(1, 1)], "total_pages": 3}

    monkeypatch.setattr(cache, "query_search", search)

    assert len(assets.owner_assets(PUBLISHER.address)) == 6


@pytest.mark.parametrize("more", [{"total_pages": 11}, {}])
def test_an_owners_assets_are_asked_for_as_far_as_a_cache_looks(
    assets, cache, monkeypatch, caplog, more
):
    asked = []

    def search(query: Any, sort: Any, offset: int, page: int) -> Any:
        asked.append(page)
        return {"results": _assets(page, 1000), **more}

    monkeypatch.setattr(cache, "query_search", search)

    assert len(assets.owner_assets(PUBLISHER.address)) == 10_000
    assert asked == list(range(1, 11))
    assert "may have more assets" in caplog.text


def _assets(page: int, number: int) -> list[Any]:
    """Return assets that no other page has."""
    return [{**DATASET_DDO, "id": f"did:op:{page:020x}{place:020x}"} for place in range(number)]


@pytest.mark.parametrize("metadata", [None, 5, "x", [], {"main": b"x"}])
def test_what_is_no_metadata_is_not_sent_to_be_validated(metadata):
    with pytest.raises(InvalidInput, match="metadata must be a dict of JSON values"):
        OceanAssets(NOWHERE, Provider()).validate(metadata)


@pytest.mark.parametrize("kind", [ChainError, ConnectionBroken, RequestTimeout])
def test_an_update_where_the_node_does_not_tell_the_flags_is_logged(
    assets, chain, monkeypatch, caplog, kind
):
    registry = chain.metadata_contract(None)

    def refuse(*_: Any) -> list[Any]:
        raise kind("Too many blocks.")

    registry.get_event_logs = refuse
    monkeypatch.setattr(chain, "metadata_contract", lambda address: registry)

    assert assets.update(Asset(dictionary=PUBLISHED), PUBLISHER, wait_for_cache_s=0)
    assert "in the clear, without knowing that it was so before: Too many blocks." in caplog.text


@pytest.mark.parametrize("broken", [None, [], "x", {}, {"id": 5}, {"id": "did:op:x", "service": 1}])
def test_one_asset_that_cannot_be_read_does_not_keep_the_others_away(
    assets, cache, dataset, caplog, broken
):
    cache.ddos["broken"] = broken

    assert [asset.did for asset in assets.search("x")] == [dataset]
    assert "left out of what was found" in caplog.text


def test_a_search_answer_without_results_is_malformed(assets, cache, monkeypatch):
    monkeypatch.setattr(cache, "query_search", lambda *_: {"hits": []})

    with pytest.raises(MalformedResponse):
        assets.search("x")


@pytest.mark.usefixtures("no_chain")
def test_pay_for_service_is_callable_on_the_class_as_in_ocean_py():
    names = list(inspect.signature(OceanAssets.pay_for_service).parameters)[:7]

    assert names == [
        "amount",
        "token_address",
        "did",
        "service_id",
        "fee_receiver",
        "from_wallet",
        "consumer",
    ]
    with pytest.raises(ConfigError, match="No chain"):
        OceanAssets.pay_for_service(1, DATASET, DATASET_DDO["id"], 4, None, CONSUMER)


def test_a_payment_for_another_assets_token_is_refused_before_anything():
    node = SimpleNamespace()

    with pytest.raises(InvalidInput, match="is not the data token"):
        OceanAssets.pay_for_service(1, ALGORITHM, DATASET_DDO["id"], 4, None, CONSUMER, web3=node)
    with pytest.raises(InvalidInput, match="service_id"):
        OceanAssets.pay_for_service(1, DATASET, DATASET_DDO["id"], "x", None, CONSUMER, web3=node)


def test_build_access_service_gives_the_recorded_attributes():
    attributes = OceanAssets.build_access_service("2021-06-24T10:00:00Z", 1.0, PUBLISHER.address)

    assert attributes == PUBLISHED["service"][1]["attributes"]


def test_the_signatures_are_ocean_pys():
    wanted = {
        "create": "metadata publisher_wallet service_descriptors owner_address data_token_address "
        "provider_uri dt_name dt_symbol dt_blob dt_cap",
        "update": "asset publisher_wallet",
        "order": "did consumer_address service_index service_type",
        "download": "did service_index consumer_wallet order_tx_id destination index",
        "search": "text sort offset page metadata_cache_uri",
        "query": "query sort offset page metadata_cache_uri",
    }
    for name, parameters in wanted.items():
        found = inspect.signature(getattr(OceanAssets, name)).parameters.values()
        positional = [p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD][1:]

        assert positional == parameters.split(), name
    assert DataToken.DEFAULT_CAP == 1000.0
