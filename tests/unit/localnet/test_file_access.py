"""Reading files: the own store, HTTP, and what must not be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ocean_lib.localnet._file_access import FileAccess, FileUnavailable
from ocean_lib.localnet._file_store import FileStore


class _Handler(BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, ThreadingHTTPServer)
        part = self.path.strip("/")
        if part.startswith("to-"):
            places = {
                "to-file": "/file.csv",
                "to-loop": "/to-loop",
                "to-secret": "http://169.254.169.254/latest",
                "to-disk": "file:///etc/passwd",
            }
            self.send_response(302)
            self.send_header("Location", places[part])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif part == "missing":
            self.send_error(404)
        else:
            body = b"a,b\n1,2\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/csv; charset=utf-8")
            if part == "named":
                self.send_header("Content-Disposition", 'attachment; filename="../../evil.sh"')
            # A promise of more than comes: the connection breaks off.
            self.send_header("Content-Length", str(len(body) + (5 if part == "short" else 0)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


@pytest.fixture
def files(store: FileStore) -> FileAccess:
    return FileAccess(store, max_bytes=100)


def test_a_file_on_the_web_is_described_and_fetched(
    url: str, files: FileAccess, tmp_path: Path
) -> None:
    described = files.describe(f"{url}/file.csv", with_checksum=True)
    files.fetch(f"{url}/to-file", tmp_path / "copy")

    assert described["contentLength"] == "8"
    assert described["contentType"] == "text/csv"
    assert described["checksumType"] == "sha256"
    assert (tmp_path / "copy").read_bytes() == b"a,b\n1,2\n"


def test_a_name_never_has_a_folder(url: str, files: FileAccess) -> None:
    file = files.open(f"{url}/named")
    file.close()

    assert file.name == "evil.sh"


@pytest.mark.parametrize("path", ["missing", "to-loop", "to-secret", "to-disk"])
def test_what_cannot_or_must_not_be_read_is_invalid(url: str, files: FileAccess, path: str) -> None:
    assert files.describe(f"{url}/{path}") == {"valid": False}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "",
        "foo",
        "file:///etc/hostname",
        "http://",
        "http://127.0.0.1:99999/",
        "http://[::1",
        "http://169.254.169.254/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/",
        "http://no-such-host.invalid/",
        "http://127.0.0.1:9/x",
    ],
)
def test_urls_that_are_no_files_are_invalid(files: FileAccess, wrong: object) -> None:
    assert files.describe(wrong) == {"valid": False}


def test_a_file_that_breaks_off_is_not_taken(url: str, files: FileAccess, tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match="broke off"):
        files.fetch(f"{url}/short", tmp_path / "copy")


def test_a_file_too_large_is_not_taken(files: FileAccess, store: FileStore, tmp_path: Path) -> None:
    url = "http://127.0.0.1:1" + store.add(b"x" * 101, "large")

    with pytest.raises(FileUnavailable, match="larger than 100 bytes"):
        files.fetch(url, tmp_path / "copy")


def test_an_own_file_is_read_without_a_server(
    files: FileAccess, store: FileStore, tmp_path: Path
) -> None:
    (tmp_path / "my data.csv").write_bytes(b"1,2\n")
    url = "http://127.0.0.1:1" + store.add(tmp_path / "my data.csv", "my data.csv")
    files.fetch(url, tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"1,2\n"
    assert files.describe(url)["contentType"] == "text/csv"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/files/" + "0" * 64 + "/name",
        "http://127.0.0.1:1/files/{token}/..%2f..%2fsecret",
        "http://127.0.0.1:1/files/../secret",
        "http://example.org/files/{token}/name",
        "https://127.0.0.1/files/{token}/name",
    ],
)
def test_only_exact_urls_name_an_own_file(store: FileStore, tmp_path: Path, url: str) -> None:
    (tmp_path / "secret").write_text("secret")
    token = store.add(b"x", "name").split("/")[2]

    assert store.find(url.format(token=token)) is None


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_published_file_needs_a_name(store: FileStore, name: str) -> None:
    with pytest.raises(ValueError, match="needs a name"):
        store.add(b"", name)
