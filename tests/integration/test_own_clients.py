"""A client of the user's own in whole flows."""

from __future__ import annotations

from typing import Any

import requests

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import World, new_wallet, start


def test_a_start_whose_answer_a_foreign_client_lost_is_looked_for() -> None:
    class ReadTimeout(Exception):
        pass

    class Client:
        session = requests.Session()

        def request(self, method: str, url: str, **options: Any) -> requests.Response:
            response = self.session.request(method, url, **options)
            if method == "POST" and url.endswith("/compute"):
                response.close()
                raise ReadTimeout
            return response

    with World() as world:
        config = world.config()
        compute = OceanCompute(config, DataServiceProvider(config, http_client=Client()))

        job_id = start(compute, new_wallet())

    assert [job["jobId"] for job in world.provider.jobs] == [job_id]
