"""Serves the sandbox over HTTP/1.1 with threads and keep-alive, in a process or in a test."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dispatch.sandbox import demo, store
from dispatch.sandbox.app import Sandbox, not_understood
from dispatch.sandbox.life import Life
from dispatch.sandbox.plans import Plans
from dispatch.sandbox.realm import Realm
from dispatch.sandbox.replies import Incoming, Reply

_MOST_BYTES = 6_000_000
_IDLE_SECONDS = 120


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: _Listener

    def answer(self) -> None:
        length = self._length()
        if length is None:
            self.close_connection = True
            self._send(not_understood())
            return
        path, _, query = self.path.partition("?")
        incoming = Incoming(
            self.command,
            path,
            query,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length) if length else b"",
            f"http://{self.headers.get('host') or self.server.address}",
        )
        self._send(self.server.sandbox.answer(incoming))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = answer

    def _length(self) -> int | None:
        """Return the body's length; None for bodies this server does not read."""
        text = self.headers.get("content-length") or "0"
        if "transfer-encoding" in self.headers or not (text.isascii() and text.isdigit()):
            return None
        return int(text) if int(text) <= _MOST_BYTES else None

    def _send(self, reply: Reply) -> None:
        if reply.drop:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        head = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Unknown')}"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.status != 204:
            head.append(f"Content-Length: {len(reply.body)}")
        if self.close_connection:
            head.append("Connection: close")
        body = b"" if self.command == "HEAD" else reply.body
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        self.command = self.command or "GET"
        self._send(not_understood())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay quiet: the calls are in ``/_sandbox/state``."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, host: str, port: int, sandbox: Sandbox) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        host, port = self.server_address[:2]
        name = str(host)
        return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about a client that hangs up: that is no news."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class SandboxServer:
    """A running sandbox: ``with SandboxServer(jobs=50) as sandbox: sandbox.url``.

    ``jobs=0`` starts empty, ``sellers=N`` has N - 1 US sellers more. ``wall`` (seconds) ages
    tokens, ``ticks`` (nanoseconds) fills token buckets; the world's own clock is ``realm.clock``,
    which a scenario can stop.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        jobs: int = 400,
        sellers: int = 1,
        seed: int = 7,
        rate_limits: bool = True,
        life: bool = False,
        state: Path | str | None = None,
        wall: Callable[[], float] = time.time,
        ticks: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.realm = Realm(wall=wall, plans=Plans(ticks), sellers=sellers)
        self.realm.rate_limits = rate_limits
        self.keeper = store.Keeper(self.realm, Path(state)) if state else None
        restored = self.keeper.restore() if self.keeper else False
        if not restored:
            demo.populate(self.realm, jobs=jobs, seed=seed)
        elif self.realm.living:
            demo.catch_up(self.realm, jobs=jobs, seed=seed)
        most = max(jobs, 1) * max(sellers, 1) * 5 // 4
        self.life = Life(self.realm, seed=seed, most=most) if life else None
        self._listener = _Listener(host, port, Sandbox(self.realm))
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://{self._listener.address}"

    def start(self) -> None:
        self._thread.start()
        for part in (self.keeper, self.life):
            if part:
                part.start()

    def stop(self) -> None:
        """Stop listening, hang up on everybody, write the state once more."""
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.hang_up()
        for part in (self.life, self.keeper):
            if part:
                part.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
