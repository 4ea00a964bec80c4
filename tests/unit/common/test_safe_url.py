"""What is shown of a URL: enough to know where, nothing that opens a door."""

from __future__ import annotations

import copy
import pickle

import pytest
import requests

from ocean_lib.http.redaction import SecretUrl, safe_url

SECRET = "4a2446c0d6063fca738c61a4c97e6731a659a5074a97eb5f2d79761431caa5d0"


@pytest.mark.parametrize(
    "url",
    [
        f"http://host:8030/results/{SECRET}/r.json",
        f"http://host:8030/results/{SECRET.upper()}/r.json",
        f"http://host:8030/results/0x{SECRET}",
        f"http://host:8030/a-{SECRET}-b/r.json?token={SECRET}#{SECRET}",
        f"http://{SECRET}@host:8030/{SECRET[:48]}",
        f"http://host:8030/did:op:{SECRET}0",
        f"http://host:8030/jobs/{SECRET}-{SECRET}",
    ],
)
def test_what_is_as_long_as_a_key_is_not_shown_of_a_path(url: str):
    shown = safe_url(url)

    assert shown.startswith("http://host:8030/")
    assert "…" in shown
    assert SECRET[:48] not in shown.lower()


@pytest.mark.parametrize(
    "url",
    [
        "http://host/api/v1/aquarius/assets/ddo/did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36",
        "http://host/api/v1/services/nonce/0x02354A1F160A3fd7ac8b02ee91F04104440B28E7",
        "http://host/a/path/of/some/length/to/the/jobs/" + "7a" * 16,
        "http://host/api/aquarius/assets/ddo/did:op:" + "7a" * 32,
        "http://host/api/aquarius/assets/ddo/did%3Aope%3A" + "7a" * 32,
        f"http://host/jobs/0x{'7a' * 32}-{'5e' * 32}",
    ],
)
def test_what_is_public_stays_readable(url: str):
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "url", ["https://me:pw@host:1/short/r.json?a=b", "https://host:1/r.json", "https://host:1"]
)
def test_nothing_but_the_host_is_shown_of_a_link(url: str):
    assert safe_url(SecretUrl(url)) == "https://host:1/…"
    assert repr(SecretUrl(url)) == "SecretUrl('https://host:1/…')"


def test_a_link_is_the_text_it_was_made_of():
    link = SecretUrl("https://host/secret?a=b")

    copies = [copy.deepcopy(link), *(pickle.loads(pickle.dumps(link, n)) for n in range(6))]

    assert copies == [link] * 7
    assert {type(one) for one in copies} == {SecretUrl}
    assert requests.Request("GET", link).prepare().url == str(link)
