"""The embedded chain as its clients see it: web3.py over a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from waitress.server import create_server
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractLogicError, Web3RPCError
from web3.logs import DISCARD

from ocean_lib.localnet.chain import (
    ChainUnreachableError,
    EmbeddedChain,
    RemoteChain,
    RpcError,
)
from ocean_lib.localnet.chain.transactions import TransactionError, send_transaction
from ocean_lib.localnet.dialects.v3.contracts import (
    OceanContracts,
    contract_artifact,
    deploy_contracts,
)

DEPLOYER, ALICE, BOB = (Account.from_key(bytes([number]) * 32) for number in (1, 2, 3))
WORKERS = [Account.from_key(bytes([number]) * 32) for number in range(10, 18)]
POOR = Account.from_key(bytes([9]) * 32)
ZERO = "0x" + "00" * 20
ETHER = 10**18
SERVER_THREADS = 8


@dataclass(frozen=True)
class World:
    """A chain with Ocean's contracts, served over HTTP."""

    chain: EmbeddedChain
    contracts: OceanContracts
    url: str
    web3: Web3

    def contract(self, name: str, address: str) -> Contract:
        return self.web3.eth.contract(Web3.to_checksum_address(address), abi=abi(name))

    def send(self, account: LocalAccount, function: Any, **fields: Any) -> Any:
        """Build, sign and send a contract call as web3.py users do."""
        nonce = self.web3.eth.get_transaction_count(account.address, "pending")
        transaction = function.build_transaction(
            {"from": account.address, "nonce": nonce, **fields}
        )
        signed = account.sign_transaction(transaction)
        tx_hash = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        return self.web3.eth.wait_for_transaction_receipt(tx_hash, timeout=20, poll_latency=0.01)

    def new_token(self, owner: LocalAccount = ALICE) -> Contract:
        factory = self.contract("DTFactory", self.contracts.dt_factory)
        receipt = self.send(
            owner, factory.functions.createToken("blob", "Name", "SYM", 1000 * ETHER)
        )
        (created,) = factory.events.TokenCreated().process_receipt(receipt, errors=DISCARD)
        return self.contract("DataTokenTemplate", created.args.newTokenAddress)

    def raw(self, account: LocalAccount, **fields: Any) -> str:
        """Sign a plain transfer, with some of its fields changed."""
        transaction = {
            "nonce": self.web3.eth.get_transaction_count(account.address),
            "to": BOB.address,
            "value": 1,
            "gas": 21_000,
            "chainId": 8996,
            **({} if "maxFeePerGas" in fields else {"gasPrice": self.web3.eth.gas_price}),
            **fields,
        }
        present = {key: value for key, value in transaction.items() if value is not None}
        return "0x" + bytes(account.sign_transaction(present).raw_transaction).hex()


def abi(name: str) -> Any:
    return contract_artifact(name)["abi"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    funded = {account.address: 100 * ETHER for account in (DEPLOYER, ALICE, BOB, *WORKERS)}
    chain = EmbeddedChain(funded=funded)
    server = create_server(chain.wsgi_app(), host="127.0.0.1", port=0, threads=SERVER_THREADS)
    thread = threading.Thread(target=server.run)
    thread.start()
    url = f"http://127.0.0.1:{server.effective_port}"
    provider = Web3.HTTPProvider(url, request_kwargs={"timeout": 20})
    yield World(chain, deploy_contracts(chain, DEPLOYER.key), url, Web3(provider))
    # Closing every socket in the loop's own thread ends the loop.
    server.trigger.pull_trigger(lambda: server.asyncore.close_all(server._map))
    thread.join(10)
    server.task_dispatcher.shutdown()
    chain.close()


@pytest.fixture(scope="module")
def remote(world: World) -> Iterator[RemoteChain]:
    remote = RemoteChain(world.url)
    yield remote
    remote.close()


@pytest.fixture(scope="module")
def token(world: World) -> Contract:
    """A datatoken of which Alice is the minter."""
    return world.new_token()


# The flow of an order


def test_web3_connects_and_sees_an_ocean_network(world: World) -> None:
    web3 = world.web3

    assert web3.is_connected()
    assert web3.client_version.startswith("ocean-compute-localnet/")
    assert (web3.net.version, web3.eth.chain_id) == ("8996", 8996)
    assert (web3.eth.accounts, web3.eth.syncing) == ([], False)


def test_a_datatoken_is_created_minted_and_ordered(world: World) -> None:
    token = world.new_token()
    world.send(ALICE, token.functions.mint(BOB.address, 10 * ETHER))
    before = int(time.time())
    receipt = world.send(BOB, token.functions.startOrder(BOB.address, 2 * ETHER, 4, ZERO))

    (order,) = token.events.OrderStarted().process_receipt(receipt, errors=DISCARD)
    assert dict(order.args) == {
        "consumer": BOB.address,
        "payer": BOB.address,
        "amount": 2 * ETHER,
        "serviceId": 4,
        "timestamp": world.web3.eth.get_block(receipt.blockNumber).timestamp,
        "mrktFeeCollector": ZERO,
        "marketFee": 0,
    }
    assert before <= order.args.timestamp <= time.time()
    assert token.functions.symbol().call() == "SYM"
    assert token.functions.balanceOf(BOB.address).call() == 8 * ETHER


def test_metadata_is_published_in_an_event_of_any_length(world: World, token: Contract) -> None:
    metadata = world.contract("Metadata", world.contracts.metadata)
    ddo = bytes(range(256)) * 40

    receipt = world.send(ALICE, metadata.functions.create(token.address, b"\x01", ddo))

    (event,) = metadata.events.MetadataCreated().process_receipt(receipt)
    assert event.args.dataToken == token.address
    assert event.args.createdBy == ALICE.address
    assert (event.args.flags, event.args.data) == (b"\x01", ddo)


def test_a_receipt_a_transaction_and_their_block_agree(world: World, token: Contract) -> None:
    receipt = world.send(ALICE, token.functions.mint(ALICE.address, 1))

    web3 = world.web3
    transaction = web3.eth.get_transaction(receipt.transactionHash)
    block = web3.eth.get_block(receipt.blockHash, full_transactions=True)
    assert (receipt.status, receipt.type, receipt.transactionIndex) == (1, 2, 0)
    assert receipt.gasUsed == receipt.cumulativeGasUsed == block.gasUsed
    assert receipt.to == transaction.to == token.address
    assert receipt["from"] == ALICE.address
    assert receipt.contractAddress is None
    assert receipt.effectiveGasPrice == transaction.gasPrice
    assert transaction.gasPrice == block.baseFeePerGas + transaction.maxPriorityFeePerGas
    assert block.transactions == [transaction]
    assert block.logsBloom == receipt.logsBloom != b"\x00" * 256
    assert web3.eth.get_block_receipts(receipt.blockNumber) == [receipt]
    assert web3.eth.get_transaction_by_block(receipt.blockNumber, 0) == transaction
    assert web3.eth.get_transaction_by_block(receipt.blockHash, 0) == transaction
    assert web3.eth.get_block_transaction_count(receipt.blockNumber) == 1


def test_a_blocks_hash_is_the_hash_of_its_header(world: World) -> None:
    import rlp

    block = world.web3.eth.get_block("latest")
    numbers = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
    fields = [
        *(block[key] for key in ("parentHash", "sha3Uncles")),
        bytes.fromhex(block.miner[2:]),
        *(block[key] for key in ("stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")),
        *(block[key] for key in numbers),
        *(block[key] for key in ("extraData", "mixHash", "nonce", "baseFeePerGas")),
        block.withdrawalsRoot,
    ]

    encoded = rlp.encode([field if isinstance(field, int) else bytes(field) for field in fields])

    assert Web3.keccak(encoded) == block.hash


def test_the_sender_pays_the_value_and_the_gas_and_nothing_else(world: World) -> None:
    web3 = world.web3
    alice, bob = (web3.eth.get_balance(account.address) for account in (ALICE, BOB))

    tx_hash = web3.eth.send_raw_transaction(world.raw(ALICE, value=5))

    receipt = web3.eth.get_transaction_receipt(tx_hash)
    paid = receipt.gasUsed * receipt.effectiveGasPrice
    assert paid > 0
    assert web3.eth.get_balance(ALICE.address) == alice - 5 - paid
    assert web3.eth.get_balance(BOB.address) == bob + 5
    assert web3.eth.get_balance(BOB.address, receipt.blockNumber - 1) == bob


# Kinds of transactions


@pytest.mark.parametrize(
    ("fields", "expected_type"),
    [
        ({}, 0),
        ({"chainId": None}, 0),  # as ocean.py of that time signs
        ({"chainId": 8996, "accessList": [], "type": 1}, 1),
        ({"maxFeePerGas": 3 * 10**9, "maxPriorityFeePerGas": 10**9, "type": 2}, 2),
    ],
)
def test_every_kind_of_transaction_of_its_time_is_mined(
    world: World, fields: dict[str, Any], expected_type: int
) -> None:
    tx_hash = world.web3.eth.send_raw_transaction(world.raw(ALICE, **fields))

    receipt = world.web3.eth.get_transaction_receipt(tx_hash)
    transaction = world.web3.eth.get_transaction(tx_hash)
    assert (receipt.status, receipt.type, transaction.type) == (1, expected_type, expected_type)
    assert transaction.get("chainId") == (
        None if "chainId" in fields and not fields["chainId"] else 8996
    )
    assert transaction["from"] == ALICE.address


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nonce": 0}, r"nonce too low: address 0x[0-9a-f]{40}, tx: 0 state: \d+"),
        ({"nonce": 10_000}, "nonce too high.*tx: 10000"),
        ({"value": 10**6 * ETHER}, "insufficient funds.*have .* want 1000000"),
        ({"chainId": 1}, "invalid chain id for signer: have 1 want 8996"),
        ({"gas": 20_000}, "intrinsic gas too low: gas 20000, minimum needed 21000"),
        ({"gas": 31_000_000}, "exceeds block gas limit"),
        ({"gasPrice": 1}, "max fee per gas less than block base fee"),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 2, "type": 2}, "higher than max fee"),
        ({"to": "", "data": b"\x00" * 50_000, "gas": 3_000_000}, "max initcode size"),
    ],
)
def test_a_transaction_that_cannot_be_mined_is_refused_with_the_reason(
    world: World, fields: dict[str, Any], message: str
) -> None:
    raw, number = world.raw(ALICE, **fields), world.web3.eth.block_number

    with pytest.raises(Web3RPCError, match=message):
        world.web3.eth.send_raw_transaction(raw)

    assert world.web3.eth.block_number == number


@pytest.mark.parametrize("raw", ["", "01", "c0", "02ff", "03c0", "ff", "00" * 99])
def test_bytes_that_are_no_transaction_are_refused(remote: RemoteChain, raw: str) -> None:
    with pytest.raises(RpcError, match=r"cannot be decoded|not supported") as caught:
        remote.call("eth_sendRawTransaction", "0x" + raw)

    assert caught.value.code == -32000


def test_a_transaction_that_reverts_is_mined_as_failed(world: World, token: Contract) -> None:
    receipt = world.send(BOB, token.functions.mint(BOB.address, 1), gas=200_000)

    assert receipt.status == 0
    assert (receipt.logs, receipt.contractAddress) == ([], None)
    assert world.web3.eth.get_transaction_count(BOB.address) > 0


# Calls and gas


def test_a_refused_call_gives_the_contracts_reason_and_data(
    world: World, remote: RemoteChain, token: Contract
) -> None:
    mint = token.functions.mint(BOB.address, 1)
    call = {"from": BOB.address, "to": token.address, "data": mint._encode_transaction_data()}

    with pytest.raises(ContractLogicError, match="DataTokenTemplate: invalid minter"):
        mint.call({"from": BOB.address})
    with pytest.raises(ContractLogicError, match="DataTokenTemplate: invalid minter"):
        mint.estimate_gas({"from": BOB.address})
    with pytest.raises(RpcError) as caught:
        remote.call("eth_call", call, "latest")
    assert caught.value.code == 3
    assert caught.value.data.startswith("0x08c379a0")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("0xfe", "invalid opcode"),
        ("0x01", "stack underflow"),
        ("0x60ff56", "invalid jump destination"),
        ("0x5f5ffd", "execution reverted"),
        ("0x5b5f56", "out of gas"),
    ],
)
def test_a_call_that_fails_says_how(remote: RemoteChain, code: str, message: str) -> None:
    with pytest.raises(RpcError, match=f"^{message}"):
        remote.call("eth_call", {"data": code, "gas": "0x20000"}, "latest")


def test_an_estimate_is_enough_and_not_much_more(world: World, token: Contract) -> None:
    calls = [
        token.functions.mint(ALICE.address, 7),
        token.functions.approve(BOB.address, 7),
        token.functions.startOrder(ALICE.address, 0, 1, ZERO),
    ]

    for function in calls:
        estimate = function.estimate_gas({"from": ALICE.address})
        receipt = world.send(ALICE, function, gas=estimate)
        refunds = 1.25  # a fifth at most is given back (EIP-3529)
        assert receipt.status == 1
        assert receipt.gasUsed <= estimate <= receipt.gasUsed * refunds * 1.02


def test_an_estimate_knows_what_the_sender_can_pay(world: World, remote: RemoteChain) -> None:
    poor = {"from": POOR.address, "to": BOB.address}

    assert int(remote.call("eth_estimateGas", poor), 16) == 21_000
    with pytest.raises(RpcError, match="insufficient funds for transfer"):
        remote.call("eth_estimateGas", {**poor, "value": "0x1"})
    with pytest.raises(RpcError, match="gas required exceeds allowance"):
        remote.call("eth_estimateGas", {**poor, "gasPrice": "0x1"})
    endless = {"from": POOR.address, "data": "0x5b5f56", "gas": "0x10000"}
    with pytest.raises(RpcError, match=r"gas required exceeds allowance \(65536\)"):
        remote.call("eth_estimateGas", endless)


def test_a_call_changes_nothing(world: World, token: Contract) -> None:
    supply = token.functions.totalSupply().call()

    token.functions.mint(BOB.address, 5).call({"from": ALICE.address})

    assert token.functions.totalSupply().call() == supply


def test_a_call_sees_the_state_of_the_block_it_names(world: World) -> None:
    token = world.new_token()
    receipts = [world.send(ALICE, token.functions.mint(BOB.address, 1)) for _ in range(2)]

    supplies = [
        token.functions.totalSupply().call(block_identifier=block)
        for block in (receipts[0].blockNumber, receipts[0].blockHash, "latest")
    ]

    assert supplies == [1, 1, 2]


def test_code_and_storage_are_the_contracts(world: World) -> None:
    web3 = world.web3
    factory = Web3.to_checksum_address(world.contracts.dt_factory)

    code = web3.eth.get_code(factory)
    slot = web3.eth.get_storage_at(factory, 0)

    assert code.hex().removeprefix("0x") == contract_artifact("DTFactory")["deployedBytecode"][2:]
    assert slot.hex().endswith(world.contracts.datatoken_template[2:].lower())
    assert web3.eth.get_code(BOB.address) == b""


def test_fees_can_be_asked_for_and_suffice(world: World) -> None:
    web3 = world.web3
    newest = web3.eth.get_block("latest")

    history = web3.eth.fee_history(3, "latest", [10, 90])

    assert history.oldestBlock == newest.number - 2
    assert history.baseFeePerGas[2] == newest.baseFeePerGas
    assert len(history.baseFeePerGas) == 4
    assert history.gasUsedRatio[2] == newest.gasUsed / newest.gasLimit
    assert [len(rewards) for rewards in history.reward] == [2, 2, 2]
    assert web3.eth.gas_price >= history.baseFeePerGas[3] + web3.eth.max_priority_fee
    assert web3.eth.max_priority_fee > 0


# Logs and filters


def test_logs_are_found_by_contract_event_and_indexed_value(world: World) -> None:
    token, other = world.new_token(), world.new_token()
    for recipient in (BOB, WORKERS[0], BOB):
        world.send(ALICE, token.functions.mint(recipient.address, 1))
    last = world.send(ALICE, other.functions.mint(BOB.address, 1))
    transfer = "0x" + Web3.keccak(text="Transfer(address,address,uint256)").hex().removeprefix("0x")
    to_bob, to_worker = ("0x" + one.address[2:].lower().rjust(64, "0") for one in (BOB, WORKERS[0]))

    def count(**criteria: Any) -> int:
        return len(world.web3.eth.get_logs({"fromBlock": 0, **criteria}))

    both = [token.address, other.address]
    assert count(address=token.address, topics=[transfer]) == 3
    assert count(address=both, topics=[transfer]) == 4
    assert count(address=both, topics=[transfer, None, to_bob]) == 3
    assert count(address=both, topics=[None, None, [to_bob, to_worker]]) == 4
    assert count(address=both, topics=[[transfer, to_bob], None, to_worker]) == 1
    assert count(address=both, topics=[to_bob]) == 0
    assert count(address=both, topics=[transfer], toBlock=last.blockNumber - 1) == 3
    assert count(address=both, topics=[transfer], fromBlock=last.blockNumber) == 1
    assert (
        len(token.events.Transfer().get_logs(from_block=0, argument_filters={"to": BOB.address}))
        == 2
    )
    (log,) = world.web3.eth.get_logs({"blockHash": last.blockHash, "topics": [transfer]})
    assert log == last.logs[0]


def test_logs_are_refused_for_blocks_named_twice_or_not_there(remote: RemoteChain) -> None:
    block_hash = "0x" + "11" * 32

    with pytest.raises(RpcError, match="cannot specify both") as both:
        remote.call("eth_getLogs", {"blockHash": block_hash, "fromBlock": "0x0"})
    with pytest.raises(RpcError, match="unknown block"):
        remote.call("eth_getLogs", {"blockHash": block_hash})
    with pytest.raises(RpcError, match="fromBlock 5 is after toBlock 4"):
        remote.call("eth_getLogs", {"fromBlock": "0x5", "toBlock": "0x4"})
    assert both.value.code == -32602
    assert remote.call("eth_getLogs", {"fromBlock": "0xfffff"}) == []


def test_filters_report_what_is_new_once(world: World, token: Contract) -> None:
    eth = world.web3.eth
    blocks, pending = eth.filter("latest"), eth.filter("pending")
    transfers = token.events.Transfer().create_filter(from_block=0, argument_filters={"value": 41})

    receipt = world.send(ALICE, token.functions.mint(BOB.address, 41))

    assert blocks.get_new_entries() == [receipt.blockHash]
    assert pending.get_new_entries() == [receipt.transactionHash]
    assert [log.transactionHash for log in transfers.get_new_entries()] == [receipt.transactionHash]
    assert (
        blocks.get_new_entries() == pending.get_new_entries() == transfers.get_new_entries() == []
    )
    assert len(transfers.get_all_entries()) == 1
    assert eth.uninstall_filter(blocks.filter_id)
    assert not eth.uninstall_filter(blocks.filter_id)


def test_a_filter_that_is_gone_or_of_another_kind_is_refused(remote: RemoteChain) -> None:
    blocks = remote.call("eth_newBlockFilter")

    with pytest.raises(RpcError, match="filter not found"):
        remote.call("eth_getFilterChanges", "0x1234")
    with pytest.raises(RpcError, match="is for blocks, not for logs"):
        remote.call("eth_getFilterLogs", blocks)


# The protocol


def test_an_unknown_method_says_what_to_do_instead(remote: RemoteChain) -> None:
    with pytest.raises(RpcError) as unknown:
        remote.call("eth_fly")
    with pytest.raises(RpcError, match=r"holds no keys.*eth_sendRawTransaction"):
        remote.call("eth_sendTransaction", {})

    assert unknown.value.code == -32601


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12"]),
        ("eth_getBalance", [ZERO, "newest"]),
        ("eth_blockNumber", [1]),
        ("eth_getLogs", [[]]),
        ("eth_getLogs", [{"topics": [None] * 5}]),
        ("eth_getLogs", [{"address": [ZERO] * 1001}]),
        ("eth_feeHistory", ["0x1", "latest", [90, 10]]),
        ("eth_call", [{"to": ZERO}, "latest", {ZERO: {"balance": "0x1"}}]),
        ("eth_getFilterChanges", [7]),
    ],
)
def test_parameters_that_cannot_be_taken_are_invalid(
    remote: RemoteChain, method: str, params: list[Any]
) -> None:
    with pytest.raises(RpcError) as caught:
        remote.call(method, *params)

    assert caught.value.code == -32602


def test_what_is_not_there_is_null_and_a_missing_state_an_error(remote: RemoteChain) -> None:
    nowhere = "0x" + "12" * 32

    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getBlockByHash"):
        assert remote.call(method, nowhere, *([False] if "Block" in method else [])) is None
    assert remote.call("eth_getBlockByNumber", "0xffffff", False) is None
    assert remote.call("eth_getBlockTransactionCountByNumber", "0xffffff") is None
    assert remote.call("eth_getTransactionByBlockNumberAndIndex", "latest", "0x1") is None
    with pytest.raises(RpcError, match="header not found"):
        remote.call("eth_getBalance", ZERO, "0xffffff")


def test_the_hash_of_a_piece_of_state_is_no_block(remote: RemoteChain) -> None:
    block = remote.call("eth_getBlockByNumber", "latest", False)

    assert remote.call("eth_getBlockByHash", block["stateRoot"], False) is None


def test_a_batch_is_answered_in_one_exchange(world: World) -> None:
    with world.web3.batch_requests() as batch:
        batch.add(world.web3.eth.get_block("earliest"))
        batch.add(world.web3.eth.get_balance(POOR.address))
        genesis, balance = batch.execute()

    assert (genesis.number, balance) == (0, 0)
    assert genesis.parentHash == b"\x00" * 32


def test_a_remote_chain_that_is_none_is_unreachable_and_its_key_not_shown() -> None:
    remote = RemoteChain("http://user:pass@127.0.0.1:9/v3/api-key", timeout_s=2)

    with pytest.raises(
        ChainUnreachableError, match=r"from http://127\.0\.0\.1:9 within 2 s"
    ) as caught:
        remote.call("eth_chainId")
    remote.close()
    assert "api-key" not in repr(caught.value)
    assert "pass" not in repr(remote)


def test_a_page_that_is_no_json_rpc_is_told_from_a_chain(world: World) -> None:
    response = requests.get(world.url, timeout=5)

    assert response.status_code == 405
    assert response.json()["error"]["code"] == -32600


# Contracts


def test_deploying_again_finds_what_is_there(world: World, remote: RemoteChain) -> None:
    number = world.web3.eth.block_number

    again = deploy_contracts(remote, DEPLOYER.key)

    assert again.as_address_file() == world.contracts.as_address_file()
    assert world.web3.eth.block_number == number
    assert world.contracts.block_number == 1


def test_the_address_file_names_what_it_names_for_every_network_of_the_time(world: World) -> None:
    addresses = world.contracts.as_address_file()["development"]

    assert {"DTFactory", "BFactory", "FixedRateExchange", "Metadata", "Ocean", "Dispenser"} <= set(
        addresses
    )
    for address in addresses.values():
        assert world.web3.eth.get_code(Web3.to_checksum_address(address))
    ocean = world.contract("DataTokenTemplate", world.contracts.ocean_token)
    assert ocean.functions.symbol().call() == "OCEAN"
    assert ocean.functions.isMinter(DEPLOYER.address).call()


def test_an_interrupted_deployment_is_completed() -> None:
    chain = EmbeddedChain(funded={DEPLOYER.address: ETHER})
    whole = deploy_contracts(chain, DEPLOYER.key)
    chain.close()
    other = EmbeddedChain(funded={DEPLOYER.address: ETHER})
    first = chain_deployment(whole, other)

    completed = deploy_contracts(other, DEPLOYER.key)

    assert first == completed.fee_collector
    assert completed.as_address_file() == whole.as_address_file()
    other.close()


def chain_deployment(whole: OceanContracts, chain: EmbeddedChain) -> str:
    """Deploy only the first of the contracts, as an interrupted deployment would."""
    from eth_abi.abi import encode

    artifact = contract_artifact("OPFCommunityFeeCollector")
    arguments = encode(["address", "address"], [DEPLOYER.address] * 2).hex()
    receipt = send_transaction(chain, DEPLOYER.key, None, artifact["bytecode"] + arguments)
    return Web3.to_checksum_address(receipt["contractAddress"])


def test_a_deployer_with_a_past_deploys_afresh(world: World) -> None:
    send_transaction(world.chain, WORKERS[7].key, BOB.address, value=1)

    contracts = deploy_contracts(world.chain, WORKERS[7].key)

    factory = world.contract("DTFactory", contracts.dt_factory)
    assert contracts.dt_factory != world.contracts.dt_factory
    assert (
        factory.functions.communityFeeCollector().call() == contracts.fee_collector
        if hasattr(factory.functions, "communityFeeCollector")
        else True
    )


def test_a_sent_transaction_that_fails_is_an_error_with_its_hash(
    remote: RemoteChain, token: Contract
) -> None:
    mint = token.functions.mint(BOB.address, 1)._encode_transaction_data()

    with pytest.raises(TransactionError, match=r"reverted, using .* of 90000 gas") as caught:
        send_transaction(remote, BOB.key, token.address, mint, gas=90_000)

    assert remote.call("eth_getTransactionReceipt", caught.value.tx_hash)["status"] == "0x0"


# Many at once


def test_eight_wallets_at_once_lose_nothing(world: World) -> None:
    token = world.new_token()
    each = 5

    def mint_and_order(worker: LocalAccount) -> None:
        for _ in range(each):
            world.send(worker, token.functions.approve(BOB.address, 1))
            world.send(worker, token.functions.startOrder(worker.address, 0, 1, ZERO))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(mint_and_order, WORKERS))

    orders = token.events.OrderStarted().get_logs(from_block=0)
    blocks = [world.web3.eth.get_block(log.blockNumber) for log in orders]
    times = [block.timestamp for block in blocks]
    assert len(orders) == len({log.transactionHash for log in orders}) == 8 * each
    assert sorted(log.args.payer for log in orders) == sorted(
        worker.address for worker in WORKERS for _ in range(each)
    )
    assert times == sorted(times)
    assert times[-1] <= time.time()
    assert all(
        later.parentHash == world.web3.eth.get_block(later.number - 1).hash for later in blocks
    )
