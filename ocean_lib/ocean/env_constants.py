"""Names of the environment variables that ocean.py reads beside the config's."""

ENV_CONFIG_FILE = "CONFIG_FILE"
ENV_PROVIDER_API_VERSION = "PROVIDER_API_VERSION"
ENV_INFURA_PROJECT_ID = "INFURA_PROJECT_ID"
