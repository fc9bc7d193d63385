"""Gets access tokens from Login with Amazon, and keeps them for as long as they are good.

Source: Amazon's page "Connect to the SP-API", and the OAuth 2 errors it lists.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

from dispatch.spapi import lwa
from dispatch.spapi.credentials import Credentials, as_credentials
from dispatch.spapi.exceptions import AuthorizationError, MissingCredentials
from dispatch.spapi.retry import Policy, backoff, jittered
from dispatch.spapi.transport import Request, Transport, TransportFault, shared_transport
from dispatch.spapi.wire import USER_AGENT, Timeout, timeouts

TOKEN_URL: Final = "https://api.amazon.com/auth/o2/token"  # noqa: S105
RENEW_EARLY: Final = 60.0
TOKENS_KEPT: Final = 4096
_LOCKS: Final = 64
PATIENCE: Final = Policy(attempts=4, deadline=15)


@dataclass(frozen=True, slots=True, repr=False)
class AccessToken:
    """A token and when it ends, in seconds since 1970; ``fresh`` says that it was just issued."""

    access_token: str
    expires_at: float
    fresh: bool = False

    def __repr__(self) -> str:
        return f"<AccessToken until {self.expires_at:.0f}>"


class TokenCache(Protocol):
    """Where tokens are kept, by digests; the store encrypts what leaves the process."""

    def get(self, key: str) -> tuple[str, float] | None:
        """Return the token and its end in seconds since 1970, or None."""
        ...

    def put(self, key: str, token: str, expires_at: float) -> None: ...

    def forget(self, key: str) -> None: ...

    def lock(self, key: str) -> AbstractContextManager[Any]:
        """Hold the lock of a key while its token is renewed: one caller renews, the others wait."""
        ...


class LocalTokenCache:
    """Keeps tokens in this process's memory."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}
        self._guard = threading.Lock()
        self._locks = [threading.RLock() for _ in range(_LOCKS)]

    def get(self, key: str) -> tuple[str, float] | None:
        return self._tokens.get(key)

    def put(self, key: str, token: str, expires_at: float) -> None:
        with self._guard:
            if len(self._tokens) >= TOKENS_KEPT:
                self._sweep()
            self._tokens[key] = (token, expires_at)

    def _sweep(self) -> None:
        """Drop tokens that have ended; if that is not enough, the older half."""
        now = self._clock()
        kept = {key: held for key, held in self._tokens.items() if held[1] > now}
        if len(kept) >= TOKENS_KEPT:
            kept = dict(list(kept.items())[TOKENS_KEPT // 2 :])
        self._tokens = kept

    def forget(self, key: str) -> None:
        with self._guard:
            self._tokens.pop(key, None)

    def lock(self, key: str) -> AbstractContextManager[Any]:
        return self._locks[hash(key) % _LOCKS]


SHARED_TOKENS: Final = LocalTokenCache()


class AccessTokenClient:
    """Gets and keeps the access token of one seller for one application.

    ``credentials`` is a dict or object with ``refresh_token``, ``lwa_app_id`` and
    ``lwa_client_secret``; the refresh token may lack when only ``exchange_code`` is used.
    """

    def __init__(
        self,
        refresh_token: str | None = None,
        credentials: Credentials | Mapping[str, Any] | None = None,
        proxies: Mapping[str, str] | None = None,
        verify: bool | str = True,
        *,
        timeout: Timeout = None,
        token_url: str | None = None,
        transport: Transport | None = None,
        token_cache: TokenCache | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = as_credentials(credentials, refresh_token)
        self._url = token_url or os.environ.get("SP_API_TOKEN_URL") or TOKEN_URL
        self._timeout = timeouts(timeout)
        self._transport = transport or shared_transport(proxies, verify)
        self._cache: TokenCache = SHARED_TOKENS if token_cache is None else token_cache
        self._clock = clock
        self._sleep = sleep
        self._key = self._credentials.digest("token", self._url)

    def __repr__(self) -> str:
        return f"<AccessTokenClient {urlsplit(self._url).hostname}>"

    def get_auth(self) -> AccessToken:
        """Return a token that is good for a minute at least. Raises AuthorizationError."""
        return self._held() or self._renewed(rejected=None)

    def renew(self, rejected: AccessToken) -> AccessToken:
        """Return another token than the ``rejected`` one. Raises AuthorizationError."""
        return self._renewed(rejected)

    def exchange_code(self, code: str, redirect_uri: str) -> dict[str, Any]:
        """Exchange a consent's ``spapi_oauth_code``, which is good for 5 minutes, for its grant.

        Returns ``access_token``, ``refresh_token`` and ``expires_in`` (seconds). Raises
        AuthorizationError.
        """
        request = self._request(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        )
        answer = self._ask(request, hide=(code,))
        if not lwa.is_token(answer.get("refresh_token")):
            raise AuthorizationError("server_error", "the answer holds no refresh token", 200)
        return {name: answer[name] for name in ("access_token", "refresh_token", "expires_in")}

    def _held(self, rejected: AccessToken | None = None) -> AccessToken | None:
        held = self._cache.get(self._key)
        if held is None or held[1] - RENEW_EARLY <= self._clock():
            return None
        if rejected is not None and held[0] == rejected.access_token:
            return None
        return AccessToken(*held)

    def _renewed(self, rejected: AccessToken | None) -> AccessToken:
        with self._cache.lock(self._key):
            return self._held(rejected) or self._issued()

    def _issued(self) -> AccessToken:
        if not self._credentials.refresh_token:
            raise MissingCredentials("refresh_token")
        self._cache.forget(self._key)
        answer = self._ask(self._refresh())
        expires_at = self._clock() + answer["expires_in"]
        self._cache.put(self._key, answer["access_token"], expires_at)
        return AccessToken(answer["access_token"], expires_at, fresh=True)

    def _refresh(self) -> Request:
        token = self._credentials.refresh_token
        return self._request({"grant_type": "refresh_token", "refresh_token": token})

    def _ask(self, request: Request, hide: tuple[str, ...] = ()) -> dict[str, Any]:
        late = self._clock() + PATIENCE.deadline
        attempt = 1
        while isinstance(answer := self._attempt(request, hide), AuthorizationError):
            delay = backoff(attempt, PATIENCE)
            hopeless = not answer.transient or attempt == PATIENCE.attempts
            if hopeless or self._clock() + delay.low >= late:
                raise answer
            self._sleep(jittered(delay))
            attempt += 1
        return answer

    def _attempt(
        self, request: Request, hide: tuple[str, ...]
    ) -> dict[str, Any] | AuthorizationError:
        try:
            reply = self._transport(request)
        except TransportFault as fault:
            return AuthorizationError("temporarily_unavailable", str(fault))
        return lwa.read_token_reply(reply, (*self._credentials.secrets, *hide))

    def _request(self, form: dict[str, str]) -> Request:
        application = {
            "client_id": self._credentials.lwa_app_id,
            "client_secret": self._credentials.lwa_client_secret,
        }
        url = urlsplit(self._url)
        headers = {
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
        }
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        body = urlencode({**form, **application}).encode()
        origin = f"{url.scheme}://{url.netloc}"
        return Request("POST", origin, target, headers, body, self._timeout)
