"""Numbers and names of the chain side: gas, fees, time-outs, networks."""

ENV_GAS_PRICE = "GAS_PRICE"
ENV_MAX_GAS_PRICE = "MAX_GAS_PRICE"
ENV_MAX_FEE = "MAX_TRANSACTION_FEE"

GAS_LIMIT_DEFAULT = 1000000
MIN_GAS_PRICE = 1000000000
MAX_FEE_ETHER = "1"
"""The most that one transaction may cost, as geth's own `--rpc.txfeecap`."""

ZERO_ADDRESS = "0x0000000000000000000000000000000000000000"

DEFAULT_NETWORK_NAME = "ganache"
NETWORK_NAME_MAP = {
    1: "Mainnet",
    2: "Morden",
    3: "Ropsten",
    4: "Rinkeby",
    42: "Kovan",
    100: "xDai",
    137: "Polygon",
    1287: "Moonbeamalpha",
}

RPC_CONNECT_TIMEOUT_S = 10.0
RPC_READ_TIMEOUT_S = 30.0
RPC_READ_RETRIES = 2
RPC_LIMIT_RETRIES = 5
"""After a refusal because there were too many requests; with the pauses about 8 s in all."""
RPC_BACKOFF_S = 0.25
"""The pause before the second attempt; it doubles for each one after."""
RPC_TOTAL_TIMEOUT_S = 60.0
"""For one question to the node, with all its attempts, where no `time_limit` holds."""

RECEIPT_TIMEOUT_S = 120.0
RECEIPT_POLL_S = 0.1
NONCE_ATTEMPTS = 10
NONCE_PAUSE_S = 0.1
"""Before a nonce is asked again that has not changed; it doubles, up to a second."""
