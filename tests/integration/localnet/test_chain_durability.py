"""The chain's file outlives its process, whenever and however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account

from ocean_lib.localnet.chain import ChainUnusableError, EmbeddedChain, RpcError
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.dialects.v3.contracts import contract_artifact, deploy_contracts

OWNER = Account.from_key(bytes([1]) * 32)
OTHER = Account.from_key(bytes([2]) * 32)
FUNDED = {OWNER.address: 10**20}
HASH_LINE_BYTES = len("0x" + "00" * 32 + "\n")

# Sends transactions without end, and writes the hash of each when the chain has acknowledged it.
SENDER = """
import sys
from pathlib import Path
from eth_account import Account
from ocean_lib.localnet.chain import EmbeddedChain
from ocean_lib.localnet.dialects.v3.contracts import contract_artifact, deploy_contracts

owner = Account.from_key(bytes([1]) * 32)
chain = EmbeddedChain(Path(sys.argv[1]), funded={owner.address: 10**20})
deploy_contracts(chain, owner.key)
create = bytes.fromhex(contract_artifact("OPFCommunityFeeCollector")["bytecode"][2:])
data = create + 2 * (bytes(12) + bytes.fromhex(owner.address[2:]))  # emits an event
nonce = int(chain.call("eth_getTransactionCount", owner.address, "latest"), 16)
while True:
    price = int(chain.call("eth_gasPrice"), 16)
    transaction = {"nonce": nonce, "gas": 2_000_000, "gasPrice": price, "data": data, "to": b""}
    transaction |= {"value": 0, "chainId": 8996}
    raw = bytes(owner.sign_transaction(transaction).raw_transaction)
    tx_hash = chain.call("eth_sendRawTransaction", "0x" + raw.hex())
    sys.stdout.write(tx_hash + "\\n")
    sys.stdout.flush()
    nonce += 1
"""


def test_a_reopened_chain_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    first = EmbeddedChain(path, funded=FUNDED)
    contracts = deploy_contracts(first, OWNER.key)
    genesis = first.call("eth_getBlockByNumber", "earliest", False)
    newest = first.call("eth_getBlockByNumber", "latest", True)
    logs = first.call("eth_getLogs", {"fromBlock": "0x0"})
    first.close()

    second = EmbeddedChain(path, funded={OTHER.address: 10**20})

    assert second.call("eth_getBlockByNumber", "earliest", False) == genesis
    assert second.call("eth_getBlockByNumber", "latest", True) == newest
    assert second.call("eth_getLogs", {"fromBlock": "0x0"}) == logs != []
    assert second.call("eth_getBalance", OTHER.address) == "0x0"  # funded is for a new chain
    receipt = send_transaction(second, OWNER.key, OTHER.address, value=7)
    assert int(receipt["blockNumber"], 16) == int(newest["number"], 16) + 1
    assert deploy_contracts(second, OWNER.key).as_address_file() == contracts.as_address_file()
    second.close()


def test_a_chain_in_memory_is_gone_after_it_is_closed() -> None:
    chain = EmbeddedChain(funded=FUNDED)
    send_transaction(chain, OWNER.key, OTHER.address, value=7)
    chain.close()
    chain.close()

    with pytest.raises(RpcError, match="the chain is closed"):
        chain.call("eth_getBalance", OTHER.address)
    fresh = EmbeddedChain(funded=FUNDED)
    assert fresh.call("eth_blockNumber") == "0x0"
    fresh.close()


def test_a_file_is_refused_for_another_chain_id_and_stays_usable(tmp_path: Path) -> None:
    EmbeddedChain(tmp_path / "chain.db", chain_id=5).close()

    with pytest.raises(ValueError, match="made with chain id 5, and 8996 was asked for"):
        EmbeddedChain(tmp_path / "chain.db")

    again = EmbeddedChain(tmp_path / "chain.db", chain_id=5)
    assert again.call("eth_chainId") == "0x5"
    again.close()


def test_two_chains_cannot_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocean_lib.localnet.chain.store._WAIT_FOR_FILE_S", 0.0)
    first = EmbeddedChain(tmp_path / "chain.db")

    with pytest.raises(ChainUnusableError, match="open in no other process"):
        EmbeddedChain(tmp_path / "chain.db")
    first.close()


@pytest.mark.parametrize("funded", [{"0x12": 1}, {"alice": 1}, {OWNER.address: -1}])
def test_a_malformed_genesis_is_refused_before_a_file_is_made(
    tmp_path: Path, funded: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="funded: expected"):
        EmbeddedChain(tmp_path / "chain.db", funded=funded)

    assert list(tmp_path.iterdir()) == []


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    acknowledged: list[str] = []

    for round_number in range(3):
        acknowledged += send_until_killed(path, after=8 + 5 * round_number)

    chain = EmbeddedChain(path)
    receipts = [chain.call("eth_getTransactionReceipt", tx_hash) for tx_hash in acknowledged]
    assert all(receipt and receipt["status"] == "0x1" for receipt in receipts)
    assert_every_block_is_whole(chain)
    send_transaction(chain, OWNER.key, OTHER.address, value=7)
    chain.close()


def send_until_killed(path: Path, *, after: int) -> list[str]:
    """Let a child send, and kill it once it has acknowledged ``after`` transactions."""
    child = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    lines = [child.stdout.readline() for _ in range(after)]
    os.kill(child.pid, signal.SIGKILL)
    rest, errors = child.communicate(timeout=20)
    assert child.returncode == -signal.SIGKILL, errors.decode()
    written = b"".join(lines) + rest
    return [line.decode() for line in written.splitlines() if len(line) == HASH_LINE_BYTES - 1]


def assert_every_block_is_whole(chain: EmbeddedChain) -> None:
    """Check that each block follows the last and has its transaction, receipt, logs and state."""
    last = int(chain.call("eth_blockNumber"), 16)
    parent = chain.call("eth_getBlockByNumber", "earliest", True)
    for number in range(1, last + 1):
        block = chain.call("eth_getBlockByNumber", hex(number), True)
        (transaction,) = block["transactions"]
        receipt = chain.call("eth_getTransactionReceipt", transaction["hash"])
        logs = chain.call("eth_getLogs", {"blockHash": block["hash"]})
        nonce = chain.call("eth_getTransactionCount", OWNER.address, hex(number))
        assert block["parentHash"] == parent["hash"]
        assert receipt["blockHash"] == block["hash"]
        assert receipt["logs"] == logs
        assert int(nonce, 16) == number == int(transaction["nonce"], 16) + 1
        parent = block
    assert chain.call("eth_getBlockByNumber", hex(last + 1), False) is None
    emitted = chain.call("eth_getLogs", {"fromBlock": "0x0"})
    assert all(int(log["blockNumber"], 16) <= last for log in emitted)


def test_importing_the_chain_does_not_import_the_evm() -> None:
    heavy = ("eth", "eth_account", "py_ecc", "requests", "web3", "flask", "waitress")
    script = (
        "import sys, ocean_lib.localnet.chain, ocean_lib.localnet.dialects.v3.contracts;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )

    assert result.stdout.strip() == "[]"


def test_making_a_chain_leaves_the_recursion_limit_near_where_it_was() -> None:
    # Python <= 3.11 relies on the limit to stop C code (json, pickle) before the stack ends.
    script = (
        "import sys; from ocean_lib.localnet.chain import EmbeddedChain;"
        "EmbeddedChain().close(); print(sys.getrecursionlimit())"
    )

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )

    assert int(result.stdout) <= 12 * 1024


def test_artifacts_have_what_clients_need() -> None:
    assert {"abi", "bytecode", "deployedBytecode"} <= set(contract_artifact("DTFactory"))
