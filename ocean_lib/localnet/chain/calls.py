"""Running a call without keeping it, and finding out how much gas it needs."""

from __future__ import annotations

from eth.abc import BlockHeaderAPI, ComputationAPI
from eth.exceptions import (
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
    Revert,
    VMError,
    WriteProtection,
)

from ocean_lib.localnet.chain.admission import BLOCK_GAS_LIMIT
from ocean_lib.localnet.chain.engine import ChainEngine
from ocean_lib.localnet.chain.errors import EXECUTION_REVERTED, RpcError, server_error
from ocean_lib.localnet.chain.limits import CALL_CPU_S, CALL_GAS, cpu_limit
from ocean_lib.localnet.chain.values import CallRequest, data

_ERROR_SELECTOR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC_SELECTOR = bytes.fromhex("4e487b71")  # Panic(uint256)
# geth's words, which tools look for.
_FAULTS: tuple[tuple[type[VMError], str], ...] = (
    (OutOfGas, "out of gas"),
    (InvalidInstruction, "invalid opcode"),
    (InvalidJumpDestination, "invalid jump destination"),
    (InsufficientStack, "stack underflow"),
    (WriteProtection, "write protection"),
)
_CALL_STIPEND = 2_300
_CHEAPEST_TRANSACTION = 21_000
_TOLERANCE = 0.015  # of the estimate, as geth


def call(engine: ChainEngine, request: CallRequest, header: BlockHeaderAPI) -> bytes:
    """Run a call and return what it returns.

    Raises:
        RpcError: The contract refused it (code 3, with its reason), or it ran out of gas or time.
    """
    with cpu_limit(CALL_CPU_S):
        computation = engine.run(request, header, min(request.gas or CALL_GAS, CALL_GAS))
    _raise_for_failure(computation)
    return bytes(computation.output)


def estimate_gas(engine: ChainEngine, request: CallRequest, header: BlockHeaderAPI) -> int:
    """Find the gas limit a transaction needs, by running it with less and less.

    Raises:
        RpcError: It fails whatever its gas, needs more than its sender can pay, or takes too long.
    """
    with cpu_limit(CALL_CPU_S):
        return _estimate(engine, request, header)


def _estimate(engine: ChainEngine, request: CallRequest, header: BlockHeaderAPI) -> int:
    high = _highest_gas(engine, request, header)
    computation = engine.run(request, header, high)
    if isinstance(computation.error if computation.is_error else None, OutOfGas):
        raise server_error(f"gas required exceeds allowance ({high})")
    _raise_for_failure(computation)

    # Most transactions need exactly what they used before refunds. Some need more: a call passes
    # on 63/64 of the gas at most.
    used = high - computation.get_gas_remaining()
    if _succeeds(engine, request, header, used):
        return used
    low, likely = used, (used + _CALL_STIPEND) * 64 // 63
    if likely < high:
        low, high = (low, likely) if _succeeds(engine, request, header, likely) else (likely, high)
    while high - low > max(1, int(high * _TOLERANCE)):
        middle = (low + high) // 2
        if _succeeds(engine, request, header, middle):
            high = middle
        else:
            low = middle
    return high


def _highest_gas(engine: ChainEngine, request: CallRequest, header: BlockHeaderAPI) -> int:
    gas = min(request.gas or BLOCK_GAS_LIMIT, BLOCK_GAS_LIMIT)
    if not request.fee_cap:
        return gas
    balance = engine.state_at(header).get_balance(request.sender)  # type: ignore[arg-type]
    affordable = max(balance - request.value, 0) // request.fee_cap
    if affordable < _CHEAPEST_TRANSACTION:
        raise server_error(
            f"gas required exceeds allowance ({affordable}): address 0x{request.sender.hex()}"
            f" has {balance} wei"
        )
    return min(gas, affordable)


def _succeeds(engine: ChainEngine, request: CallRequest, header: BlockHeaderAPI, gas: int) -> bool:
    return not engine.run(request, header, gas).is_error


def _raise_for_failure(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    if isinstance(computation.error, Revert):
        output = bytes(computation.output)
        reason = revert_reason(output)
        message = "execution reverted" + (f": {reason}" if reason else "")
        raise RpcError(EXECUTION_REVERTED, message, data(output))
    for kind, words in _FAULTS:
        if isinstance(computation.error, kind):
            raise server_error(words)
    raise server_error(f"execution failed: {computation.error}")


def revert_reason(output: bytes) -> str:
    """Read the text a contract reverted with; empty if it gave none that can be read."""
    selector, body = output[:4], output[4:]
    if selector == _PANIC_SELECTOR and len(body) == 32:
        return f"panic code 0x{int.from_bytes(body, 'big'):02x}"
    if selector != _ERROR_SELECTOR or len(body) < 64:
        return ""
    start = int.from_bytes(body[:32], "big")
    length = int.from_bytes(body[start : start + 32], "big")
    text = body[start + 32 : start + 32 + length]
    return text.decode("utf-8", "replace") if len(text) == length else ""
