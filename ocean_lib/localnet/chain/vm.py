"""The EVM of the chain: Shanghai's rules, interrupted when a contract takes too long.

Only a loop or a call can take long, so the time is looked at where each of them passes: at a
JUMPDEST, and where a contract begins. Two precompiled contracts are slow in Python for their gas
(a third of a second for each pairing) and cannot be interrupted, so they take a bounded input.
"""

from __future__ import annotations

import functools
from typing import Any, cast

from eth.abc import ComputationAPI, OpcodeAPI
from eth.exceptions import VMError
from eth.vm.forks.shanghai import ShanghaiVM
from eth.vm.forks.shanghai.computation import ShanghaiComputation
from eth.vm.forks.shanghai.state import ShanghaiState

from ocean_lib.localnet.chain.limits import check_time

_JUMPDEST = 0x5B
_PAIRING, _BLAKE2 = (bytes(19) + bytes([number]) for number in (8, 9))
_MOST_PAIRS = 4  # what a Groth16 proof needs
_PAIR_BYTES = 192
_MOST_ROUNDS = 10_000  # BLAKE2b has 12


def _timed(opcode: OpcodeAPI) -> OpcodeAPI:
    @functools.wraps(opcode)
    def run(computation: ComputationAPI) -> None:
        check_time()
        opcode(computation)

    return cast(OpcodeAPI, run)


def _bounded_pairing(computation: Any) -> Any:
    if len(computation.msg.data) > _MOST_PAIRS * _PAIR_BYTES:
        raise VMError(f"this chain computes at most {_MOST_PAIRS} pairings in one call")
    return ShanghaiComputation.get_precompiles()[_PAIRING](computation)  # type: ignore[index]


def _bounded_blake2(computation: Any) -> Any:
    if int.from_bytes(computation.msg.data_as_bytes[:4], "big") > _MOST_ROUNDS:
        raise VMError(f"this chain computes at most {_MOST_ROUNDS} rounds of BLAKE2b in one call")
    return ShanghaiComputation.get_precompiles()[_BLAKE2](computation)  # type: ignore[index]


class _Computation(ShanghaiComputation):
    opcodes = {  # noqa: RUF012  (py-evm's attribute)
        **ShanghaiComputation.opcodes,
        _JUMPDEST: _timed(ShanghaiComputation.opcodes[_JUMPDEST]),
    }
    _precompiles = {  # noqa: RUF012
        **ShanghaiComputation.get_precompiles(),
        _PAIRING: _bounded_pairing,
        _BLAKE2: _bounded_blake2,
    }

    @classmethod
    def apply_computation(cls, *args: Any, **kwargs: Any) -> Any:
        check_time()
        return super().apply_computation(*args, **kwargs)


class _State(ShanghaiState):
    computation_class = _Computation


class ChainVM(ShanghaiVM):
    """Shanghai's EVM within the limits of `_chain_limits`."""

    _state_class = _State
