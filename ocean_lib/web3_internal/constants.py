"""Numbers and names of the chain side: gas, fees, time-outs, networks."""

ENV_GAS_PRICE = "GAS_PRICE"
ENV_MAX_GAS_PRICE = "MAX_GAS_PRICE"

GAS_LIMIT_DEFAULT = 1000000
MIN_GAS_PRICE = 1000000000

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
RPC_TOTAL_TIMEOUT_S = 60.0
"""For one question to the node, with all its attempts, where no `time_limit` holds."""

RECEIPT_TIMEOUT_S = 120.0
RECEIPT_POLL_S = 0.1
NONCE_ATTEMPTS = 10
