"""Sends one HTTP request and says what became of it.

``requests`` opens the connections (TLS, certificates, proxies; the environment is read once
per host), its pools then carry the calls directly: a ``Session`` around every call costs more
than half of the calls per second. No redirect is followed, nothing is repeated here.
"""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy

# A page of 20 jobs is about 100 kB.
LARGEST_ANSWER: Final = 20 * 1024 * 1024
CONNECTIONS_KEPT: Final = 64
_ONCE: Final = urllib3.Retry(False, redirect=False)


class FaultKind(Enum):
    """What is known of a request to which no answer could be had."""

    NOT_SENT = "could not connect"
    BAD_CERTIFICATE = "the server's certificate cannot be trusted"
    LOST = "the connection broke or timed out before the answer was complete"
    TOO_LARGE = "the answer is too large"
    UNREADABLE = "the answer cannot be read"


class TransportFault(Exception):
    """There is no answer. The text is ours: the library's own would name the URL."""

    def __init__(self, kind: FaultKind) -> None:
        super().__init__(kind.value)
        self.kind = kind


@dataclass(slots=True, repr=False)
class Request:
    """One request, ready for the wire; ``timeout`` is (connect, read) in seconds."""

    method: str
    origin: str
    target: str
    headers: dict[str, str]
    body: bytes | None
    timeout: tuple[float, float]

    @property
    def url(self) -> str:
        return self.origin + self.target

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.origin}>"


@dataclass(slots=True, repr=False)
class Reply:
    """One answer; header names are matched without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __post_init__(self) -> None:
        if isinstance(self.headers, dict):
            self.headers = CaseInsensitiveDict(self.headers)

    def __repr__(self) -> str:
        return f"<Reply {self.status}, {len(self.body)} bytes>"


Transport = Callable[[Request], Reply]
"""Sends a request. Raises TransportFault, and nothing else, when there is no answer."""


@dataclass(slots=True, repr=False)
class _Route:
    """The way to an origin: its pool, and the prefix and headers that a plain HTTP proxy wants."""

    pool: Any
    prefix: str
    headers: dict[str, str]


_open_transports: weakref.WeakSet[PooledTransport] = weakref.WeakSet()


class PooledTransport:
    """Keeps connections open and shares them between threads and clients."""

    def __init__(self, proxies: Mapping[str, str] | None = None, verify: bool | str = True) -> None:
        self._proxies = dict(proxies or {})
        self._verify = verify
        self._opening = threading.Lock()
        self._start_over()
        _open_transports.add(self)

    def _start_over(self) -> None:
        self._adapter = HTTPAdapter(
            pool_connections=CONNECTIONS_KEPT, pool_maxsize=CONNECTIONS_KEPT
        )
        self._routes: dict[str, _Route] = {}

    def __call__(self, request: Request) -> Reply:
        fault: FaultKind | None = None
        try:
            return self._exchange(request)
        except TransportFault as error:
            fault = error.kind
        except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
            fault = classify(error)
        # Raised out here, so that no exception holding the request's headers is chained to it.
        raise TransportFault(fault)

    def _exchange(self, request: Request) -> Reply:
        route = self._routes.get(request.origin) or self._open(request.origin)
        connect, read = request.timeout
        answer = route.pool.urlopen(
            request.method,
            route.prefix + request.target,
            body=request.body,
            headers={**request.headers, **route.headers} if route.headers else request.headers,
            timeout=urllib3.Timeout(connect=connect, read=read),
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
        try:
            body = read_up_to(answer, LARGEST_ANSWER)
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return Reply(answer.status, answer.headers, body)

    def _open(self, origin: str) -> _Route:
        with self._opening:
            if origin not in self._routes:
                self._routes[origin] = self._route(origin)
            return self._routes[origin]

    def _route(self, origin: str) -> _Route:
        """Let ``requests`` work out an origin's certificates and proxies, once."""
        with requests.Session() as session:
            settings = session.merge_environment_settings(
                origin, dict(self._proxies), None, self._verify, None
            )
        proxies, verify = settings["proxies"], settings["verify"]
        adapter: Any = self._adapter
        prepared = requests.Request("GET", origin).prepare()
        pool = self._adapter.get_connection_with_tls_context(prepared, verify, proxies=proxies)
        adapter.cert_verify(pool, origin, verify, None)
        proxy = select_proxy(origin, proxies)
        if proxy is None or not origin.startswith("http://"):
            return _Route(pool, "", {})
        return _Route(pool, origin, self._adapter.proxy_headers(proxy))

    def close(self) -> None:
        """Close the idle connections."""
        self._adapter.close()
        self._start_over()


def read_up_to(answer: Any, limit: int) -> bytes:
    """Return the decoded body. Raises TransportFault when it is longer than ``limit`` bytes."""
    body: bytes = answer.read(limit + 1, decode_content=True)
    if len(body) > limit:
        raise TransportFault(FaultKind.TOO_LARGE)
    return body


def classify(error: BaseException) -> FaultKind:
    """Return what an exception of urllib3 or requests says of a request: was it sent?"""
    if isinstance(error, urllib3.exceptions.SSLError | requests.exceptions.SSLError):
        reason = error.args[0] if error.args else None
        untrusted = isinstance(reason, ssl.SSLCertVerificationError)
        return FaultKind.BAD_CERTIFICATE if untrusted else FaultKind.LOST
    not_sent = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        urllib3.exceptions.ProxyError,
        urllib3.exceptions.LocationValueError,
        requests.exceptions.RequestException,
    )
    return FaultKind.NOT_SENT if isinstance(error, not_sent) else FaultKind.LOST


def shared_transport(
    proxies: Mapping[str, str] | None = None, verify: bool | str = True
) -> PooledTransport:
    """Return the process's transport for these settings: a thousand clients use one pool."""
    return _shared_transport(tuple(sorted((proxies or {}).items())), verify)


@lru_cache(maxsize=16)
def _shared_transport(proxies: tuple[tuple[str, str], ...], verify: bool | str) -> PooledTransport:
    return PooledTransport(dict(proxies), verify)


def _forget_connections() -> None:
    """Start over in a forked child, which must not write into its parent's sockets."""
    for transport in list(_open_transports):
        transport._opening = threading.Lock()
        transport._start_over()


os.register_at_fork(after_in_child=_forget_connections)
