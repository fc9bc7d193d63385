"""A real HTTP server on loopback that plays Amazon, and clients that talk to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from dispatch.spapi import LocalTokenCache, Services

CREDENTIALS = {
    "refresh_token": "Atzr|refresh-secret",
    "lwa_app_id": "amzn1.application-oa2-client.test",
    "lwa_client_secret": "client-secret",
}
TOKEN_PATH = "/auth/o2/token"


@dataclass
class Heard:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in self.path.split("/")]

    @property
    def query(self) -> dict[str, str]:
        """Every key once, or the test fails."""
        pairs = parse_qs(urlsplit(self.target).query, keep_blank_values=True, strict_parsing=True)
        assert all(len(values) == 1 for values in pairs.values()), self.target
        return {key: values[0] for key, values in pairs.items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}


@dataclass
class Say:
    """One answer. ``cut``: break the connection instead, after that many bytes of the body."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: float = 0

    @property
    def bytes(self) -> bytes:
        return (
            self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()
        )


class Amazon:
    """Answers by script: what was queued first, else ``default``."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.token_requests: list[Heard] = []
        self.script: list[Say] = []
        self.default: Say | Callable[[Heard], Say] = Say(200, {"payload": {}})
        self.token_script: list[Say] = []
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        # A client that hangs up is what some tests are about.
        self.server.handle_error = lambda request, address: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def say(self, *answers: Say) -> None:
        self.script.extend(answers)

    def reply_to(self, heard: Heard) -> Say:
        with self.lock:
            if heard.path == TOKEN_PATH:
                self.token_requests.append(heard)
                number = len(self.token_requests)
                token = {"access_token": f"Atza|token-{number}", "expires_in": 3600}
                return self.token_script.pop(0) if self.token_script else Say(200, token)
            self.heard.append(heard)
            if self.script:
                return self.script.pop(0)
        return self.default if isinstance(self.default, Say) else self.default(heard)


def _handler(amazon: Amazon) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            say = amazon.reply_to(Heard(self.command, self.path, headers, body))
            if say.stall:
                amazon.done.wait(say.stall)
            self.send(say)

        def send(self, say: Say) -> None:
            body = b"" if say.status == 204 else say.bytes
            if say.cut == 0:
                self.close_connection = True
                return
            self.send_response(say.status)
            for name, value in {"x-amzn-RequestId": "req-1", **say.headers}.items():
                self.send_header(name, value)
            if say.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if say.cut is None else body[: say.cut])
            self.close_connection = self.close_connection or say.cut is not None

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    amazon = Amazon()
    thread = threading.Thread(target=amazon.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield amazon
    amazon.done.set()
    amazon.server.shutdown()
    amazon.server.server_close()


@pytest.fixture
def say() -> type[Say]:
    return Say


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.naps: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def credentials() -> dict[str, str]:
    return dict(CREDENTIALS)


@pytest.fixture
def environment(amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what points at our server; nothing of the machine's own."""
    for name in ("SP_API_REFRESH_TOKEN", "LWA_APP_ID", "LWA_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SP_API_ENDPOINT", amazon.url)
    monkeypatch.setenv("SP_API_TOKEN_URL", amazon.url + TOKEN_PATH)


@pytest.fixture
def connect(environment: None, time: Time) -> Callable[..., Services]:
    """Makes a client with its own tokens, no limiter and a clock that does not tick."""

    def make(**options: Any) -> Services:
        defaults: dict[str, Any] = {
            "credentials": CREDENTIALS,
            "throttle": None,
            "token_cache": LocalTokenCache(clock=time.clock),
            "clock": time.clock,
            "sleep": time.sleep,
        }
        return Services(**{**defaults, **options})

    return make


@pytest.fixture
def services(connect: Callable[..., Services]) -> Services:
    return connect()
