"""The Provider's REST API: one method for each call."""

from typing import Optional

from enforce_typing import enforce_types

from ocean_lib.config import Config
from ocean_lib.data_provider._assets_api import AssetsApi, OrderRequirements
from ocean_lib.data_provider._jobs_api import JobsApi

__all__ = ["DataServiceProvider", "OrderRequirements"]


@enforce_types
class DataServiceProvider(AssetsApi, JobsApi):
    """Calls Providers, on a session and with caches of its own.

    Every method can also be called on the class, as in ocean.py; it then runs on one instance
    that the class makes at the first such call and shares (`DataServiceProvider.shared()`).

    Args:
        config: time-outs, cache lifetime, answer size, auth token option, and the Providers that
            get signatures; if None the defaults, and signatures go where each call says.
        http_client: a session of yours in place of our own (see `HttpExchange`).
        use_auth_token: sign once a day in place of once a call; the config's option if None.
    """

    def __init__(
        self,
        config: Optional[Config] = None,
        http_client: Optional[object] = None,
        use_auth_token: Optional[bool] = None,
    ) -> None:
        super().__init__(config, http_client, use_auth_token)
