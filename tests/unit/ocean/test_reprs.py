"""What a notebook shows: tables that are escaped, and hold neither keys nor a URL's query."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.v3.answers import job_of
from ocean_lib.base.tables import html_table, when
from ocean_lib.exceptions import DownloadError
from ocean_lib.jobs.outputs import DownloadReport, files_of
from ocean_lib.jobs.view import JobStatus
from ocean_lib.ocean.compute_job import ComputeJob, JobList

DID = "did:op:" + "1b" * 20
OWNER = SimpleNamespace(address="0x02354A1F160A3fd7ac8b02ee91F04104440B28E7", key="0x" + "ab" * 32)
EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&amp;"


class Elements(HTMLParser):
    """Collects the elements of a page and their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def elements(page: str) -> set[str]:
    """Return the names of a page's elements, none of which may have attributes."""
    found = Elements()
    found.feed(page)
    assert found.attributes == []
    return found.tags


def whole(page: str) -> str:
    """Return a page without the places where a line may end."""
    return page.replace("<wbr>", "")


def status(text: str = EVIL) -> JobStatus:
    job = {"jobId": text, "status": 70, "statusText": text, "dateCreated": 1624528800}
    return job_of(job).status


def job(looked: JobStatus | None) -> ComputeJob:
    made = ComputeJob(SimpleNamespace(), JobRef(DID, "7a" * 16, OWNER.address), OWNER)  # type: ignore[arg-type]
    made.last_status = looked
    return made


def asset(**main: Any) -> Asset:
    return Asset(
        dictionary={
            "id": DID,
            "dataToken": EVIL,
            "proof": {"creator": EVIL},
            "service": [
                {
                    "type": "metadata",
                    "index": 0,
                    "attributes": {"main": {"name": EVIL, "author": EVIL, "type": EVIL, **main}},
                },
                {
                    "type": "compute",
                    "index": 4,
                    "serviceEndpoint": "http://u:password@provider/?token=secret",
                    "attributes": {
                        "main": {
                            "cost": EVIL,
                            "timeout": 60,
                            "privacy": {
                                "allowRawAlgorithm": True,
                                "allowAllPublishedAlgorithms": True,
                                "publisherTrustedAlgorithms": [{"did": "a"}, {"did": "b"}],
                            },
                        }
                    },
                },
            ],
        }
    )


def shown() -> dict[str, str]:
    url = "http://x/{}?X-Amz-Signature=secret"
    report = DownloadReport(
        (Path("/tmp") / EVIL.replace("/", ""),), {EVIL: DownloadError(f"no: {EVIL}")}
    )
    return {
        "job": job(status())._repr_html_(),
        "new job": job(None)._repr_html_(),
        "status": status()._repr_html_(),
        "list": JobList([job(status()), job(None)])._repr_html_(),
        "no jobs": JobList()._repr_html_(),
        "report": report._repr_html_(),
        "files": files_of([url.format(EVIL)], [url.format("algorithm.log")])._repr_html_(),
        "asset": asset(files=[{"url": "http://x/?token=secret"}])._repr_html_(),
    }


@pytest.mark.parametrize("name", shown())
def test_nothing_that_was_received_becomes_html(name):
    assert elements(shown()[name]) <= {"table", "tr", "td", "th", "wbr"}


@pytest.mark.parametrize("name", shown())
def test_no_secret_is_shown(name):
    page = shown()[name]

    assert "secret" not in page
    assert "password" not in page
    assert OWNER.key[2:] not in page


def test_a_job_shows_what_is_known_of_it():
    page = whole(job(status("Job finished"))._repr_html_())

    for expected in ("7a" * 16, DID, OWNER.address, "finished", "70 Job finished", "2021-06-24"):
        assert expected in page
    assert "not polled yet" in job(None)._repr_html_()
    assert repr(job(None)) == f"ComputeJob('{'7a' * 16}' on {DID}, not polled yet)"


def test_no_word_of_a_table_is_wider_than_a_column():
    page = JobList([job(status("Job finished"))])._repr_html_()

    words = re.split(r"<[^>]+>|[^\w]", page)
    assert DID in whole(page)
    assert max(map(len, words)) <= 23


def test_a_job_that_was_stopped_reads_as_stopped():
    stopped = job_of({"jobId": "7a" * 16, "status": 70, "statusText": "Job finished", "stopreq": 1})

    assert repr(job(stopped.status)) == f"ComputeJob('{'7a' * 16}' on {DID}, stopped)"
    running = job_of({"jobId": "7a" * 16, "status": 40, "statusText": "Running algorithm "})
    assert repr(job(running.status)).endswith(", Running algorithm)")


def test_an_asset_shows_what_it_offers_and_to_whom():
    page = asset(name="Tumours", files=[{}, {}])._repr_html_()

    for expected in ("Tumours", "<td>2</td>", "timeout 60", "2 algorithm(s) trusted", "raw code"):
        assert expected in page


@pytest.mark.parametrize(
    "document",
    [
        {"id": DID},
        {"id": DID, "service": [{"type": "metadata", "index": 0, "attributes": {}}]},
        {
            "id": DID,
            "service": [
                {"type": "metadata", "index": 0, "attributes": {"main": ["x"]}},
                {"type": "compute", "index": 1, "attributes": {"main": {"privacy": "x"}}},
                {"type": "access", "index": 2, "attributes": {"main": None}},
            ],
        },
    ],
)
def test_an_asset_with_parts_missing_is_shown_too(document):
    assert DID in whole(Asset(dictionary=document)._repr_html_())


def test_a_recorded_asset_is_shown(dataset_ddo):
    page = Asset(dictionary=dataset_ddo)._repr_html_()

    assert elements(page) == {"table", "tr", "td", "wbr"}
    assert "1 algorithm(s) trusted" in page


@given(st.lists(st.tuples(st.text(), st.none() | st.integers() | st.text())))
def test_any_text_is_a_cell_and_can_be_sent(rows):
    page = html_table(rows, ("a", "b"))

    assert elements(page) <= {"table", "tr", "td", "th", "wbr"}
    assert page.encode()


@pytest.mark.parametrize(
    ("moment", "text"),
    [(None, ""), (0.0, "1970-01-01 00:00:00 UTC"), (1e30, "1e+30"), (float("nan"), "nan")],
)
def test_a_moment_is_shown_in_utc(moment, text):
    assert when(moment) == text
