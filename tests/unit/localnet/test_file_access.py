"""Reading files: the own store, HTTP, and what must not be read."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from ocean_lib.localnet.files import addresses, web
from ocean_lib.localnet.files.access import Asking, FileAccess, FileStore, FileUnavailable
from ocean_lib.localnet.files.web import Patience, open_url
from tests.wire import Reply, Request, WireServer, answer


class _Handler(BaseHTTPRequestHandler):
    """Answers as its path says."""

    places: ClassVar[dict[str, str]] = {
        "to-file": "/file.csv",
        "to-loop": "/to-loop",
        "to-secret": "http://169.254.169.254/latest",
        "to-disk": "file:///etc/passwd",
        "to-cloud": "http://[fd00:ec2::254]/latest",
        "to-nowhere": "http://[::1",
        "to-link": "//169.254.0.7/x",
        "to-everything": "http://0.0.0.0:1/",
    }

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, ThreadingHTTPServer)
        part = self.path.strip("/")
        if part.startswith("to-"):
            self.send_response(302)
            self.send_header("Location", self.places[part])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif part == "missing":
            self.send_error(404)
        elif part == "echo":
            body = f"{self.headers['Host']} {self.headers['Authorization']}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif part in ("drip", "silence"):
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not server.ended.wait(0.02):  # type: ignore[attr-defined]
                    self.wfile.write(b"x" if part == "drip" else b"")
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
    server.ended = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.ended.set()  # type: ignore[attr-defined]
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


@pytest.mark.parametrize(
    "path",
    [
        "missing",
        "to-loop",
        "to-secret",
        "to-disk",
        "to-cloud",
        "to-nowhere",
        "to-link",
        "to-everything",
    ],
)
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
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fe80::1%25lo]/",
        "http://168.63.129.16/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://169.254.169.254.\n127.0.0.1/",
        "gopher://127.0.0.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:9/" + "x" * 20_000,
        "http://0.0.0.0/",
        "http://no-such-host.invalid/",
        "http://127.0.0.1:9/x",
    ],
    ids=lambda wrong: repr(wrong)[:40],
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


def test_where_others_can_publish_private_addresses_are_refused(
    url: str, store: FileStore, tmp_path: Path
) -> None:
    exposed = FileAccess(store, allow_private=False)
    own = "http://127.0.0.1:1" + store.add(b"1", "own")

    with pytest.raises(FileUnavailable, match="only public ones are allowed"):
        exposed.fetch(f"{url}/file.csv", tmp_path / "copy")
    assert exposed.describe("http://10.0.0.1/") == {"valid": False}
    assert exposed.describe(own)["valid"] is True


def test_a_name_is_looked_up_once_for_each_hop_and_the_connection_goes_there(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(url.rsplit(":", 1)[1])
    looked_up = []

    def rebinding(host: str, *_: object, **__: object) -> list[object]:
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    # create_connection looks up what it is given: an address, so nothing is left to rebind.
    monkeypatch.setattr(addresses.socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(web.socket, "create_connection", lambda place, _: _connected(place))
    opened = open_url(
        f"http://rebinds.example:{port}/echo", allow_private=True, patience=Patience(5)
    )
    body = opened.read(1000)
    opened.close()

    assert looked_up == ["rebinds.example"]
    assert body == f"rebinds.example:{port} None".encode()


def _connected(place: tuple[str, int]) -> socket.socket:
    connection = socket.socket()
    connection.connect(place)
    return connection


def test_a_redirect_from_a_public_address_leads_to_no_private_one(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(url.rsplit(":", 1)[1])
    public = ipaddress.ip_address("93.184.216.34")
    real = addresses.resolve

    def resolve(host: str, at: int) -> list[addresses.Address]:
        return [public] if host == "public.example" else real(host, at)

    monkeypatch.setattr(addresses, "resolve", resolve)
    monkeypatch.setattr(
        web.socket, "create_connection", lambda place, _: _connected(("127.0.0.1", port))
    )
    first = open_url("http://public.example/file.csv", allow_private=True, patience=Patience(5))
    first.close()

    assert first.status == 200
    monkeypatch.setitem(_Handler.places, "to-file", f"{url}/file.csv")
    with pytest.raises(FileUnavailable, match="only public ones"):
        open_url("http://public.example/to-file", allow_private=True, patience=Patience(5))


def test_a_urls_own_user_is_sent_to_its_host_only(url: str, files: FileAccess) -> None:
    file = files.open(url.replace("//", "//me:secret@") + "/echo")
    body = b"".join(file.chunks)
    file.close()

    assert body.endswith(b" Basic bWU6c2VjcmV0")


@pytest.mark.parametrize("path", ["drip", "silence"])
def test_a_file_that_takes_too_long_is_not_taken(url: str, path: str) -> None:
    opened = open_url(f"{url}/{path}", allow_private=True, patience=Patience(0.3))
    with contextlib.closing(opened), pytest.raises(FileUnavailable, match="too long"):
        while opened.read(1000):
            pass


def test_a_file_that_nobody_waits_for_is_given_up(
    url: str, files: FileAccess, tmp_path: Path
) -> None:
    with pytest.raises(FileUnavailable, match="not wanted any more"):
        files.fetch(f"{url}/silence", tmp_path / "copy", given_up=lambda: True)


def test_a_files_own_headers_go_to_its_origin_and_are_not_about_the_connection(
    files: FileAccess, tmp_path: Path
) -> None:
    asked: list[Request] = []

    def reply(request: Request) -> Reply:
        asked.append(request)
        if request.path == "/first":
            return answer(307, "", Location="/second")
        if request.path == "/second":
            return answer(302, "", Location=f"{elsewhere.url}/third")
        return answer(200, "content")

    headers = {"Authorization": "Bearer key", "Host": "other", "Content-Length": "9", "X-A": "1"}
    with WireServer(reply) as elsewhere, WireServer(reply) as server:
        asking = Asking("POST", headers)
        files.fetch(f"{server.url}/first", tmp_path / "copy", asking=asking)

    assert (tmp_path / "copy").read_text() == "content"
    assert [one.method for one in asked] == ["POST", "POST", "GET"]
    assert [one.headers.get("authorization") for one in asked] == ["Bearer key"] * 2 + [None]
    assert [one.headers.get("x-a") for one in asked] == ["1", "1", None]
    assert "other" not in [one.headers["host"] for one in asked]


def test_a_header_that_cannot_be_sent_is_no_file(files: FileAccess, tmp_path: Path) -> None:
    asking = Asking(headers={"X-A": "one\r\nX-B: two"})

    with WireServer(lambda _: answer(200, "x")) as server, pytest.raises(FileUnavailable):
        files.fetch(f"{server.url}/file", tmp_path / "copy", asking=asking)

    assert server.requests == []
