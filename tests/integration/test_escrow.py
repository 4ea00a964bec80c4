"""`ocean.escrow` and `ocean-compute escrow`, on the embedded node's real contracts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from ocean_lib import Config, Ocean
from ocean_lib.exceptions import InsufficientBalance, InvalidAddress, InvalidInput, NotOffered
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean_escrow import EscrowAuthorization, EscrowBalance
from tests.integration.cli_driver import CommandLine
from tests.integration.node_chain import NodeChain


@pytest.fixture(scope="module")
def chain() -> Iterator[NodeChain]:
    with LocalNetwork(generation="node", account_count=20) as network:
        yield NodeChain(network)


@pytest.fixture
def payer(chain: NodeChain, request: pytest.FixtureRequest):
    """An account that no other test of this file uses."""
    chain.consumer = chain.network.wallet(4 + request.session.items.index(request.node) % 16)
    return chain.consumer


@pytest.fixture
def ocean(chain: NodeChain) -> Ocean:
    return Ocean(chain.network.config)


def sent(chain: NodeChain) -> int:
    return int(chain.web3.eth.get_transaction_count(chain.consumer.address))


def test_money_goes_in_is_allowed_locked_and_comes_back(chain, ocean, payer):
    token, node = chain.token.address, chain.environment.address
    escrow = ocean.escrow
    assert (escrow.address, escrow.balances(payer)) == (chain.contracts.escrow, [])

    escrow.deposit(token, "12.5", payer)
    escrow.authorize(token, node, payer, max_amount=10, max_lock_s=7200, max_locks=2)
    chain.lock(2**255, 10**18, 1)
    chain.lock(5, 2 * 10**18, 3600)

    balance = EscrowBalance(token, "OCEAN", Decimal("9.5"), Decimal(3))
    assert escrow.balances(payer) == [balance] == [escrow.balance(token, payer.address)]
    allowed = EscrowAuthorization(token, node, Decimal(10), Decimal(3), 7200, 2, 2)
    assert escrow.authorizations(payer) == [allowed]
    short, long = escrow.locks(payer.address)
    assert (short.job_hash, short.amount) == (f"0x{2**255:064x}", Decimal(1))
    assert (long.amount, long.payee, long.is_expired) == (Decimal(2), node, False)
    while not escrow.locks(payer)[0].is_expired:
        chain.token.approve(node, 0, chain.stranger)  # the chain's clock goes on with its blocks

    (cancelled,) = escrow.cancel_expired(payer)
    escrow.withdraw(token, payer)

    assert (cancelled.job_hash, cancelled.is_expired) == (short.job_hash, True)
    assert escrow.balance(token, payer) == EscrowBalance(token, "OCEAN", Decimal(0), Decimal(2))
    assert chain.token.token_balance(payer.address) == 998
    assert escrow.locks(payer) == [long]


def test_what_is_so_already_is_not_sent_again(chain, ocean, payer):
    token, node = chain.token.address, chain.environment.address
    ocean.escrow.deposit(token, 4, payer, up_to=True)
    ocean.escrow.authorize(token, node, payer, max_amount=4, max_lock_s=60)
    before = sent(chain)

    assert ocean.escrow.deposit(token, Decimal("3.9"), payer, up_to=True) == ""
    assert ocean.escrow.authorize(token, node, payer, max_amount=4, max_lock_s=60) == ""
    assert ocean.escrow.cancel_expired(payer) == []
    assert sent(chain) == before

    assert ocean.escrow.deposit(token, 5, payer, up_to=True)
    assert ocean.escrow.balance(token, payer).available == 5


def test_amounts_are_in_the_tokens_own_decimals(chain, ocean, payer):
    token = chain.new_token(6)

    ocean.escrow.deposit(token.address, "0.000001", payer)

    assert ocean.escrow.balance(token.address, payer).available == Decimal("0.000001")
    assert chain.escrow.funds(payer.address, token.address).available == 1
    with pytest.raises(InvalidInput, match="6 decimals at most"):
        ocean.escrow.deposit(token.address, "0.0000001", payer)


def test_what_cannot_be_is_refused_and_nothing_is_sent(chain, ocean, payer):
    token, before, escrow = chain.token.address, sent(chain), ocean.escrow

    for amount in (0, -1, "much", float("nan")):
        with pytest.raises(InvalidInput):
            escrow.deposit(token, amount, payer)
    with pytest.raises(InsufficientBalance, match="Nothing was sent"):
        escrow.withdraw(token, payer, 1)
    with pytest.raises(InvalidAddress, match="payee"):
        escrow.authorize(token, "0x1", payer, max_amount=1, max_lock_s=1)
    with pytest.raises(InvalidInput, match="max_lock_s must be a whole number from 0 on"):
        escrow.authorize(token, token, payer, max_amount=1, max_lock_s=-1)
    with pytest.raises(InvalidAddress, match="token"):
        escrow.balance("OCEAN", payer)

    assert escrow.withdraw(token, payer) == ""
    assert sent(chain) == before


def test_v3_has_no_escrow(network):
    ocean, wallet = Ocean(network.config), network.wallet(0)
    token = network.contracts.ocean_token

    for call in (
        lambda: ocean.escrow.address,
        lambda: ocean.escrow.balances(wallet),
        lambda: ocean.escrow.deposit(token, 1, wallet),
        lambda: ocean.escrow.cancel_expired(wallet),
    ):
        with pytest.raises(NotOffered, match="There is no escrow here"):
            call()


def test_a_config_of_v3_has_none_whatever_chain_it_names(chain):
    options = chain.network.options
    resources = {**options["resources"], "provider.generation": "v3"}
    ocean = Ocean(Config(options_dict={**options, "resources": resources}))

    with pytest.raises(NotOffered):
        ocean.escrow.balances(chain.consumer)


@pytest.fixture
def line(chain: NodeChain, payer, tmp_path: Path) -> CommandLine:
    sections = [
        f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
        for section, options in chain.network.options.items()
    ]
    (tmp_path / "config.ini").write_text("\n".join(sections))
    account = next(one for one in chain.network.accounts if one.address == payer.address)
    key = bytes(account.key).hex()
    environment = {"CONFIG_FILE": "config.ini", "OCEAN_PRIVATE_KEY": f"0x{key}"}
    return CommandLine(tmp_path, environment, [key])


def test_the_command_line_fills_shows_and_empties_it(chain, line, payer):
    token, node = chain.token.address, chain.environment.address

    put = line.json("escrow", "deposit", "12.5", token)
    allowed = line.json("escrow", "authorize", node, "10", token, "--seconds", "7200")
    chain.lock(5, 10**18, 3600)
    shown = line.json("escrow", "show")
    table = line.run("escrow", "show", "--address", payer.address)
    nothing = line.run("escrow", "cancel-expired")
    back = line.json("escrow", "withdraw", "all", token)

    assert re.fullmatch("0x[0-9a-f]{64}", put["tx"])
    assert (put["available"], put["locked"]) == ("12.5", "0")
    assert allowed["max_amount"] == "10"
    document = shown.json
    assert (document["account"], document["escrow"]) == (payer.address, chain.contracts.escrow)
    assert document["balances"] == [
        {"token": token, "symbol": "OCEAN", "available": "11.5", "locked": "1"}
    ]
    assert document["authorizations"][0]["max_lock_s"] == 7200
    (lock,) = document["locks"]
    assert (lock["amount"], lock["is_expired"], lock["job_hash"]) == ("1", False, f"0x{5:064x}")
    assert "UNTIL" in table.out
    assert f"0x{5:064x}" in table.out
    assert nothing.err.endswith("No lock has expired. Nothing was sent.\n")
    assert back["available"] == "0"
    assert line.json("escrow", "cancel-expired")["cancelled"] == []


def test_the_command_line_says_what_cannot_be(chain, line, payer):
    token = chain.token.address

    more = line.run("escrow", "withdraw", "1", token, code=5)
    wrong = line.run("escrow", "deposit", "much", token, code=2)

    assert "has 0 of token" in more.err
    assert "must be a number" in wrong.err


def test_threads_of_one_wallet_deposit_without_taking_each_others_approval(chain, ocean, payer):
    token = chain.token.address

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda n: ocean.escrow.deposit(token, n, payer), [1, 2, 3, 4]))

    assert len(set(sent)) == 4
    assert ocean.escrow.balance(token, payer).available == 10
    assert chain.token.allowance(payer.address, chain.contracts.escrow) == 0


def test_the_documentation_runs(chain, ocean, payer, capsys):
    text = (Path(__file__).parents[2] / "docs" / "nodes.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if ".escrow" in b]
    given = {"token": chain.token.address, "payee": chain.environment.address, "wallet": payer}

    exec(block, {"ocean": ocean, **given})

    assert "available=Decimal('12.5')" in capsys.readouterr().out
    assert ocean.escrow.balance(chain.token.address, payer).available == 0
