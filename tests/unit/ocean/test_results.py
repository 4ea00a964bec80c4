"""Bringing a job's files home, past servers that break, lie and change their mind."""

from __future__ import annotations

import gzip
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ocean_lib.backends.backend import JobRef
from ocean_lib.exceptions import (
    ConnectFailed,
    ConnectionBroken,
    DownloadError,
    InvalidInput,
    InvalidUrl,
    JobError,
    MalformedResponse,
    RequestTimeout,
    ResponseTooLarge,
)
from ocean_lib.http import deadline
from ocean_lib.http.deadline import current_deadline, time_limit
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.limits import READ_ATTEMPTS, Timeouts
from ocean_lib.jobs.outputs import DownloadWarning, files_of
from ocean_lib.ocean.compute_job import ComputeJob
from tests.wire import Exchange, Reply, Request, WireServer, answer, html, raw, silence

DID = "did:op:" + "1b" * 20
JOB_ID = "7a" * 16
OWNER = SimpleNamespace(
    address="0x02354A1F160A3fd7ac8b02ee91F04104440B28E7", sign_message=lambda _: b""
)
CONTENT = bytes(range(256)) * 1000
HALF = len(CONTENT) // 2
CHUNK = 64 * 1024  # what is read at a time


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)


@pytest.fixture(autouse=True)
def _no_deadline_is_left() -> Iterator[None]:
    yield
    assert current_deadline() is None


def a_job(urls: list[str], logs: list[str] | None = None, **http: Any) -> ComputeJob:
    """A job whose results lie at these URLs."""
    client = SimpleNamespace(
        http=HttpExchange(**http),
        outputs=lambda *_: files_of(urls, logs or []),
        root_of=lambda _: "http://127.0.0.1",
    )
    ref = JobRef(DID, JOB_ID, OWNER.address)
    return ComputeJob(client, ref, OWNER)  # type: ignore[arg-type]


def serve(*replies: Reply, **by_path: Reply) -> WireServer:
    """Give these replies one after the other, the last for ever; or one for each path."""
    left = list(replies)

    def route(request: Request) -> Reply:
        name = request.path.strip("/").replace(".", "_")
        if name in by_path:
            return by_path[name]
        if not left:
            return html(404)
        return left.pop(0) if len(left) > 1 else left[0]

    return WireServer(route)


def headed(status: int, body: bytes, *headers: str) -> Reply:
    """These headers and bytes, then the end of the connection."""
    return raw("\r\n".join([f"HTTP/1.1 {status} X", *headers]).encode() + b"\r\n\r\n" + body)


def broken(*headers: str, sent: int = HALF) -> Reply:
    return headed(200, CONTENT[:sent], f"Content-Length: {len(CONTENT)}", *headers)


def rest(*headers: str, content: bytes = CONTENT, shift: int = 0, sent: int | None = None) -> Reply:
    """The part that is asked for, or one `shift` bytes off; as much of it as `sent`."""

    def reply(exchange: Exchange) -> None:
        assert exchange.request is not None
        begin = shift + int(exchange.request.headers["range"].strip("bytes=-"))
        part = content[begin:]
        headed(
            206,
            part[:sent],
            f"Content-Length: {len(part)}",
            f"Content-Range: bytes {begin}-{len(content) - 1}/{len(content)}",
            *headers,
        )(exchange)

    return reply


ETAG = 'ETag: "one"'
DATE = "Last-Modified: Thu, 24 Jun 2021 10:00:00 GMT"


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


# --- what comes


def test_every_result_and_log_comes_whole(tmp_path):
    with serve(a_csv=answer(200, CONTENT), b_json=answer(200, b""), x_log=answer(200, b"log")) as s:
        job = a_job([f"{s.url}/a.csv?token=t", f"{s.url}/b.json"], [f"{s.url}/x.log"])

        report = job.download(tmp_path / "new" / "folder", progress=False)

    folder = tmp_path / "new" / "folder"
    assert list(report) == [folder / "a.csv", folder / "b.json", folder / "x.log"]
    assert [path.read_bytes() for path in report] == [CONTENT, b"", b"log"]
    assert (len(report), report[0].name, report[-1:]) == (3, "a.csv", (folder / "x.log",))
    assert report.failures == {}


def test_logs_may_be_left_out(tmp_path):
    with serve(a_csv=answer(200, b"a")) as server:
        job = a_job([f"{server.url}/a.csv"], [f"{server.url}/x.log"])

        report = job.download(tmp_path, logs=False, progress=False)

    assert [path.name for path in report] == ["a.csv"]


@pytest.mark.parametrize(
    ("logs", "said"), [([], "no output"), (["http://x/log"], "no results, only logs")]
)
def test_a_job_without_output_is_an_error(tmp_path, logs, said):
    with pytest.raises(JobError, match=said):
        a_job([], logs).download(tmp_path / "new", logs=False)

    assert left_behind(tmp_path) == []


# --- transfers that break


def test_a_broken_transfer_is_taken_up_where_it_stopped(tmp_path):
    with serve(broken(ETAG, sent=CHUNK), rest(ETAG, sent=CHUNK + 9), rest(ETAG)) as server:
        (path,) = a_job([f"{server.url}/a?secret=s"]).download(tmp_path, progress=False)

        asked = [(r.headers.get("range"), r.headers.get("if-range")) for r in server.requests]

    assert path.read_bytes() == CONTENT
    assert asked == [
        (None, None),
        (f"bytes={CHUNK}-", '"one"'),
        (f"bytes={2 * CHUNK + 9}-", '"one"'),
    ]
    assert all(r.headers["accept-encoding"] == "identity" for r in server.requests)
    assert left_behind(tmp_path) == ["a"]


def test_a_date_will_do_where_the_server_accepts_ranges(tmp_path):
    with serve(broken(DATE, "Accept-Ranges: bytes"), rest(DATE)) as server:
        (path,) = a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

        assert server.requests[1].headers["if-range"] == DATE.partition(": ")[2]

    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "headers", [(), ('ETag: W/"weak"',), (DATE,), (ETAG, "Content-Encoding: gzip")]
)
def test_without_a_way_to_tell_the_content_nothing_is_taken_up(tmp_path, headers):
    reply = broken(*headers)
    if "Content-Encoding: gzip" in headers:
        packed = gzip.compress(CONTENT, 0)
        reply = headed(200, packed[:HALF], f"Content-Length: {len(packed)}", *headers)
    with serve(reply) as server:
        job = a_job([f"{server.url}/a"])

        with pytest.raises(DownloadError, match="ended before a whole answer came"):
            job.download(tmp_path, progress=False)

        assert len(server.requests) == 1

    assert left_behind(tmp_path) == []


OTHER = bytes(reversed(CONTENT))


@pytest.mark.parametrize(
    "second",
    [
        headed(200, OTHER, f"Content-Length: {len(OTHER)}", 'ETag: "two"'),  # as HTTP wants it
        rest('ETag: "two"', content=OTHER),  # a server that does not heed If-Range
        rest(ETAG, shift=1),  # another part than was asked for
        rest(ETAG, shift=-CHUNK),
        headed(206, CONTENT[CHUNK:], f"Content-Length: {len(CONTENT) - CHUNK}"),  # which part?
        headed(206, CONTENT[CHUNK:], "Content-Range: nonsense"),
        headed(416, b"", "Content-Length: 0"),
        html(500),
    ],
)
def test_other_content_is_never_glued_on(tmp_path, second):
    with serve(broken(ETAG), second) as server:
        job = a_job([f"{server.url}/a"])

        with pytest.raises(DownloadError, match="Could not download a"):
            job.download(tmp_path, progress=False)

    assert left_behind(tmp_path) == []


def test_a_transfer_that_breaks_often_gets_on_as_long_as_something_comes(tmp_path):
    content = CONTENT * 3
    first = headed(200, content[:CHUNK], f"Content-Length: {len(content)}", ETAG)
    with serve(first, rest(ETAG, content=content, sent=CHUNK)) as server:
        (path,) = a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

        assert len(server.requests) > 2 * READ_ATTEMPTS

    assert path.read_bytes() == content


def test_a_transfer_that_gets_nowhere_fails(tmp_path):
    with serve(broken(ETAG), rest(ETAG, sent=1)) as server:
        with pytest.raises(DownloadError, match="None of the job's 1"):
            a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

        assert len(server.requests) == READ_ATTEMPTS

    assert left_behind(tmp_path) == []


def test_a_server_that_was_away_for_a_moment_is_asked_again(tmp_path):
    with serve(raw(b""), raw(b""), answer(200, CONTENT)) as server:
        (path,) = a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

    assert path.read_bytes() == CONTENT


def test_the_time_of_a_file_bounds_all_its_attempts(tmp_path):
    with serve(silence) as server:
        timeouts = Timeouts(read_s=10, file_total_s=0.2)
        job = a_job([f"{server.url}/a"], timeouts=timeouts)

        with pytest.raises(DownloadError, match="used up"):
            job.download(tmp_path, progress=False)

        assert len(server.requests) == 1


def test_a_time_limit_around_the_download_holds(tmp_path):
    with serve(silence) as server:
        job = a_job([f"{server.url}/{name}" for name in "abc"])

        with time_limit(0.2), pytest.raises(DownloadError, match="used up"):
            job.download(tmp_path, progress=False)

        assert len(server.requests) == 1


PASSING = [500, 502, 503, 504, 520, 524, 530, 429]


@pytest.mark.parametrize("status", PASSING)
def test_a_store_that_is_away_for_a_moment_is_asked_three_times(tmp_path, status):
    with serve(html(status), html(status), answer(200, b'{"a": 1}')) as server:
        job = a_job([f"{server.url}/a.json"])

        (path,) = job.download(tmp_path, progress=False)
        assert (path.read_bytes(), len(server.requests)) == (b'{"a": 1}', READ_ATTEMPTS)

    for act in (ComputeJob.result_json, ComputeJob.logs, lambda job: job.open("a.json")):
        with serve(html(status), answer(200, b'{"a": 1}')) as server:
            urls = [f"{server.url}/a.json"]
            assert act(a_job(urls, urls))
            assert len(server.requests) == 2


@pytest.mark.parametrize("status", PASSING)
def test_and_when_a_broken_transfer_is_taken_up(tmp_path, status):
    with serve(broken(ETAG), html(status), rest(ETAG)) as server:
        (path,) = a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

    assert path.read_bytes() == CONTENT


def test_a_store_that_names_a_time_is_not_asked_before(tmp_path):
    began = time.monotonic()
    with serve(answer(429, "", Retry_After="1"), answer(200, CONTENT)) as server:
        a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 501])
def test_what_will_not_pass_is_asked_for_once(tmp_path, status):
    with serve(html(status)) as server:
        with pytest.raises(DownloadError):
            a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

        assert len(server.requests) == 1


# --- what came is the file, and no more than was announced


PAGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>...</body></html>"


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("out.csv", {}),
        ("report.json", {}),
        ("out", {"cf-mitigated": "challenge"}),
        ("report.html", {"cf-mitigated": "challenge"}),
    ],
)
def test_a_page_in_the_place_of_a_file_is_told_as_such(tmp_path, name, headers):
    with (
        serve(answer(200, PAGE, "text/html; charset=UTF-8", **headers)) as server,
        pytest.raises(DownloadError, match=r"web page .*Just a moment"),
    ):
        a_job([f"{server.url}/{name}"]).download(tmp_path, progress=False)

    assert left_behind(tmp_path) == []


def test_nor_is_it_a_log():
    with serve(answer(200, PAGE, "text/html")) as server, pytest.raises(DownloadError):
        a_job([], [f"{server.url}/log"]).logs()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("report.html", PAGE, "text/html"),
        ("QmHash", PAGE, "text/html"),
        ("out.csv", "<b>,1", "text/html"),
        ("page.txt", PAGE, "text/plain"),
        ("empty.csv", "", "text/html"),
    ],
)
def test_a_page_that_is_the_file_comes(tmp_path, name, content, kind):
    with serve(answer(200, content, kind)) as server:
        (path,) = a_job([f"{server.url}/{name}"]).download(tmp_path, progress=False)

    assert path.read_text() == content


def test_what_is_not_announced_has_the_limit_of_the_config(tmp_path):
    packed = gzip.compress(bytes(10**6))
    with serve(
        bomb=answer(200, packed, Content_Encoding="gzip"),
        endless=headed(200, CONTENT),
        announced=answer(200, CONTENT),
    ) as server:
        job = a_job([f"{server.url}/{n}" for n in ("bomb", "endless", "announced")], **SMALL)

        with pytest.warns(DownloadWarning, match="2 of 3 files"):
            report = job.download(tmp_path / "a", progress=False)
        more = job.download(tmp_path / "b", progress=False, max_bytes=10**6)

    assert [path.name for path in report] == ["announced"]
    assert {type(error) for error in report.failures.values()} == {ResponseTooLarge}
    assert [path.stat().st_size for path in more] == [10**6, len(CONTENT), len(CONTENT)]


SMALL = {"max_file_bytes": 100_000}


@pytest.mark.parametrize("stored", [gzip.compress(CONTENT, mtime=0), gzip.compress(b"", mtime=0)])
def test_a_gzip_file_comes_as_one_however_it_is_sent(tmp_path, stored):
    with serve(
        a_csv_gz=answer(200, stored, Content_Encoding="gzip"),
        b_csv_gz=answer(200, gzip.compress(stored), Content_Encoding="gzip"),
        c_csv_gz=answer(200, stored),
    ) as server:
        job = a_job([f"{server.url}/{name}.csv.gz" for name in "abc"])

        report = job.download(tmp_path, progress=False)
        assert [path.read_bytes() for path in report] == [stored, stored, stored]
        assert job.open("a.csv.gz").read() == stored


# --- logs


LINES = [f"line {number:07d} é\n" for number in range(700_000)]


def test_a_long_log_is_read():
    text = "".join(LINES)
    assert len(text.encode()) > 10 * 1024 * 1024
    with serve(answer(200, text)) as server:
        job = a_job([], [f"{server.url}/log"])

        assert job.logs() == text
        assert job.logs(tail=3) == "".join(LINES[-3:])
        assert job.logs(tail=2, max_bytes=9) == "99999 é\n"
        with pytest.raises(ResponseTooLarge):
            job.logs(max_bytes=1000)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(None, "a\n\nb\nc"), (0, ""), (1, "c"), (2, "b\nc"), (3, "\nb\nc"), (10**18, "a\n\nb\nc")],
)
def test_the_end_of_several_logs_is_the_end_of_the_last(tail, expected):
    with serve(one=answer(200, "a\n\n"), two=answer(200, "b\nc")) as server:
        assert a_job([], [f"{server.url}/one", f"{server.url}/two"]).logs(tail=tail) == expected


@pytest.mark.parametrize("options", [{"tail": -1}, {"tail": "x"}, {"tail": True}, {"max_bytes": 0}])
def test_an_end_that_cannot_be_is_refused(options):
    with pytest.raises(InvalidInput):
        a_job([], ["http://127.0.0.1:1/log"]).logs(**options)


# --- one bad file among good ones


def test_a_bad_file_does_not_sink_the_others(tmp_path):
    with serve(a_csv=answer(200, b"a"), c_csv=answer(200, b"c"), cut=broken()) as server:
        urls = [f"{server.url}/{name}?token=secret" for name in ("a.csv", "gone", "cut", "c.csv")]
        job = a_job([*urls, "file:///etc/passwd", "/relative", "http://127.0.0.1:1/x"])

        with pytest.warns(DownloadWarning, match="5 of 7 files could not be downloaded") as caught:
            report = job.download(tmp_path, progress=False)

    assert [path.name for path in report] == ["a.csv", "c.csv"]
    assert {name: type(error) for name, error in report.failures.items()} == {
        "gone": DownloadError,
        "cut": ConnectionBroken,
        "passwd": InvalidUrl,
        "relative": InvalidUrl,
        "x": ConnectFailed,
    }
    assert "secret" not in str(caught[0].message)
    assert caught[0].filename == __file__
    assert left_behind(tmp_path) == ["a.csv", "c.csv"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 204, 301])
def test_a_status_that_is_no_file_is_a_failure(tmp_path, status):
    with serve(html(status)) as server, pytest.raises(DownloadError) as caught:
        a_job([f"{server.url}/a?secret=s"]).download(tmp_path, progress=False)

    assert f"HTTP {status}" in str(caught.value)
    assert ("may have expired" in str(caught.value)) == (status in (401, 403, 404, 410))
    assert "secret" not in str(caught.value)
    assert left_behind(tmp_path) == []


def test_a_redirect_is_followed(tmp_path):
    def route(request: Request) -> Reply:
        if request.path == "/a":
            return answer(302, "", Location="/elsewhere")
        return answer(200, b"there")

    with WireServer(route) as server:
        (path,) = a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

    assert (path.name, path.read_bytes()) == ("a", b"there")


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_long_is_refused(tmp_path, announced):
    # What is announced is refused before it comes: here it never would.
    long = headed(200, b"", "Content-Length: 1000000") if announced else headed(200, CONTENT)
    with serve(long=long, short=answer(200, b"12345")) as server:
        job = a_job([f"{server.url}/long", f"{server.url}/short"])

        with pytest.warns(DownloadWarning, match="longer than the 5 bytes allowed"):
            report = job.download(tmp_path, max_bytes=5, progress=False)

    assert [path.name for path in report] == ["short"]
    assert isinstance(report.failures["long"], ResponseTooLarge)
    assert left_behind(tmp_path) == ["short"]


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_folder_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with serve(answer(200, CONTENT)) as server:
        job = a_job([f"{server.url}/a"])

        for folder in (tmp_path / "file", tmp_path / "file" / "below", "/proc/nothing"):
            with pytest.raises(DownloadError, match=r"writing to .* failed"):
                job.download(folder, progress=False)


# --- names


HOSTILE = [
    "../../etc/passwd",
    "..%2F..%2Fetc%2Fpasswd",
    "..%5C..%5Cboot.ini",
    "%2Fetc%2Fshadow",
    "C:%5CWindows%5Cwin.ini",
    "a%00b",
    "..",
    ".",
    "",
    "%2e%2e",
    "%20",
    "CON",
    "nul.txt",
    "a:b|c?d*e<f>g",
    ".bashrc",
    "x" * 5000,
    "é" * 500 + ".csv",
    "\ud800",
    "%ff%fe",
    "txt.%E2%80%AEexe",
    "a%0d%0ab",
    "~",
    "$HOME",
    "-rf",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_in_the_folder(tmp_path, name):
    folder = tmp_path / "results"
    with serve(answer(200, b"x")) as server:
        url = f"{server.url}/results/{name}"
        files = files_of([url], [])
        (path,) = a_job([url]).download(folder, progress=False)

    assert path.parent == folder
    assert path.read_bytes() == b"x"
    assert path.name == files[0].name
    assert 0 < len(path.name.encode()) <= 200
    assert path.name.isprintable()
    assert not path.name.startswith(".")
    assert not set(path.name) & set('<>:"/\\|?*\0')
    assert left_behind(tmp_path) == sorted(["results", path.name])


def test_files_of_one_name_all_come(tmp_path):
    with serve(*(answer(200, str(number)) for number in range(5))) as server:
        urls = [f"{server.url}/{path}" for path in ("a/r.csv", "b/r.csv", "R.CSV", "", "")]
        job = a_job(urls)

        report = job.download(tmp_path, progress=False)

    assert [path.name for path in report] == ["r.csv", "r-1.csv", "R-2.CSV", "result-3", "result-4"]
    assert [path.read_bytes() for path in report] == [b"0", b"1", b"2", b"3", b"4"]


def test_what_was_there_is_never_overwritten(tmp_path):
    """Three jobs into one folder, each with a report.json of its own, and one of them twice."""
    names = []
    for content in (b"one", b"two", b"three", b"two"):
        with serve(answer(200, content)) as server:
            (path,) = a_job([f"{server.url}/report.json"]).download(tmp_path, progress=False)
            names.append(path.name)

    assert names == ["report.json", "report-0.json", "report-0-2.json", "report-0.json"]
    assert (tmp_path / "report.json").read_bytes() == b"one"
    assert (tmp_path / "report-0.json").read_bytes() == b"two"


def test_nor_a_link_or_a_folder(tmp_path):
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "a").symlink_to(tmp_path / "victim")
    (tmp_path / "a-0").mkdir()
    with serve(answer(200, b"mine")) as server:
        (path,) = a_job([f"{server.url}/a"]).download(tmp_path, progress=False)

    assert path.name == "a-0-2"
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_jobs_downloaded_at_once_into_one_folder_do_not_overwrite_each_other(tmp_path):
    begin = threading.Barrier(8)
    with serve(*(answer(200, str(number)) for number in range(8))) as server:

        def download(_: int) -> Path:
            job = a_job([f"{server.url}/report.json"])
            begin.wait(10)
            (path,) = job.download(tmp_path, progress=False)
            return path

        with ThreadPoolExecutor(8) as pool:
            paths = list(pool.map(download, range(8)))

    assert sorted(path.read_text() for path in paths) == list("01234567")
    assert len(set(paths)) == 8


# --- small files, in memory


def test_small_files_are_read_without_a_folder():
    with serve(
        report_json=answer(200, '{"accuracy": 0.9}'),
        table_csv=answer(200, "a,b\n"),
        algorithm_log=answer(200, b"caf\xc3\xa9 \xff\n"),
    ) as server:
        urls = [f"{server.url}/report.json", f"{server.url}/table.csv"]
        job = a_job(urls, [f"{server.url}/algorithm.log"])

        assert job.result_json() == job.result_json("report.json") == {"accuracy": 0.9}
        assert job.open("table.csv").read() == b"a,b\n"
        assert job.logs() == "café \ufffd\n"
        with pytest.raises(JobError, match=r"no result\(s\) 'x'; there is report.json, table.csv"):
            job.open("x")
        with pytest.raises(MalformedResponse, match=r"table.csv of job .* is not JSON"):
            job.result_json("table.csv")


def test_one_of_several_json_files_has_to_be_named():
    job = a_job(["http://x/a.json", "http://x/b.json"])

    with pytest.raises(JobError, match=r"has 2 result\(s\)"):
        job.result_json()


def test_before_there_is_output_there_is_nothing_to_read():
    job = a_job([])

    assert job.logs() == ""
    assert job.files() == []
    with pytest.raises(JobError, match="nothing yet"):
        job.result_json()


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_long_for_memory_is_left_to_download(announced):
    reply = answer(200, CONTENT) if announced else headed(200, CONTENT)
    with serve(reply) as server:
        job = a_job([f"{server.url}/a.json"], max_answer_bytes=1000)

        with pytest.raises(ResponseTooLarge, match="use download"):
            job.result_json()


def test_reading_takes_up_a_broken_transfer_too():
    with serve(broken(ETAG), rest(ETAG)) as server:
        assert a_job([f"{server.url}/a"]).open("a").read() == CONTENT


# --- what is seen of it


def test_the_bar_is_quiet_in_a_pipe_and_shown_if_wanted(tmp_path, capsys):
    with serve(answer(200, CONTENT)) as server:
        job = a_job([f"{server.url}/a"])
        job.download(tmp_path)
        job.download(tmp_path, progress=False)
        quiet = capsys.readouterr()

        job.download(tmp_path, progress=True)
        shown = capsys.readouterr()

    assert (quiet.out, quiet.err) == ("", "")
    assert "1 file(s): 250kB" in shown.err
    assert shown.out == ""


def test_progress_leaves_the_warnings_as_they_were(tmp_path):
    before = list(warnings.filters)
    with serve(answer(200, b"x")) as server, ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: a_job([f"{server.url}/a"]).download(tmp_path / str(n), progress=True),
                range(8),
            )
        )

    assert list(warnings.filters) == before


def test_tables_for_notebooks_are_escaped_and_show_no_url(tmp_path):
    with serve(answer(200, b"x"), html(404)) as server:
        urls = [f"{server.url}/secret-path/<b>a&b.csv?token=secret", f"{server.url}/gone?t=secret"]
        job = a_job(urls)
        with pytest.warns(DownloadWarning):
            report = job.download(tmp_path, progress=False)

    shown = job.files()._repr_html_() + report._repr_html_() + repr(job.files())

    assert "secret" not in shown.replace(f"{server.url}/gone", "")
    assert "<b>" not in shown
    assert "a&amp;b.csv" in shown
    assert "failed" in shown


def test_a_request_that_ran_out_of_time_says_so(tmp_path):
    with serve(a=answer(200, b"a"), b=silence) as server:
        job = a_job(
            [f"{server.url}/a", f"{server.url}/b"], timeouts=Timeouts(read_s=9, file_total_s=0.2)
        )

        with pytest.warns(DownloadWarning):
            report = job.download(tmp_path, progress=False)

    assert isinstance(report.failures["b"], RequestTimeout)
