"""Finds the credentials to log in with: given, in the environment, or asked of a provider."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from dispatch.spapi.exceptions import MissingCredentials

CredentialProvider = Callable[[str], Mapping[str, Any] | None]
"""Takes the account's name; returns ``{"refresh_token", "lwa_app_id", "lwa_client_secret"}`` or
None. A class is instantiated with the account's name first; an object with
``load_credentials()`` is asked through it, and may leave them in ``.credentials``."""

VARIABLES: Final = {
    "refresh_token": "SP_API_REFRESH_TOKEN",
    "lwa_app_id": "LWA_APP_ID",
    "lwa_client_secret": "LWA_CLIENT_SECRET",
}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """One seller's grant to one application. Its repr shows nothing."""

    refresh_token: str
    lwa_app_id: str
    lwa_client_secret: str

    def __repr__(self) -> str:
        return "<Credentials>"

    def digest(self, *purpose: str) -> str:
        """Return a name for this application × seller that gives nothing away."""
        parts = "\0".join((*purpose, self.lwa_app_id, self.refresh_token))
        return hashlib.sha256(parts.encode()).hexdigest()[:40]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must never be shown."""
        return tuple(filter(None, (self.refresh_token, self.lwa_client_secret)))


def as_credentials(source: Any, refresh_token: str | None = None) -> Credentials:
    """Read credentials from a mapping or an object; what lacks is an empty string."""
    values = {field.name: _value(source, field.name) for field in fields(Credentials)}
    values["refresh_token"] = _clean(refresh_token) or values["refresh_token"]
    return Credentials(**values)


def find_credentials(
    account: str = "default",
    *,
    refresh_token: str | None = None,
    given: Mapping[str, Any] | None = None,
    providers: Iterable[Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Credentials:
    """Return the first complete set; ``refresh_token`` wins over the one found.

    Given credentials are never filled up from elsewhere: half of one seller's and half of
    another's would show one seller's jobs to the other. Raises MissingCredentials with the
    names that lack in the first place where any were found.
    """
    if given is not None:
        return _complete(as_credentials(given, refresh_token))
    found = from_environment(account, os.environ if environment is None else environment)
    missing = _missing(as_credentials(found, refresh_token))
    for provider in providers or () if missing else ():
        offered = _ask(provider, account)
        if offered is not None and not _missing(as_credentials(offered, refresh_token)):
            found, missing = dict(offered), []
            break
    if missing:
        raise MissingCredentials([f"{name} ({VARIABLES[name]})" for name in missing])
    return as_credentials(found, refresh_token)


def from_environment(account: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Read an account's variables; ``LWA_APP_ID_<account>`` wins over ``LWA_APP_ID``."""
    suffix = "" if account == "default" else f"_{account}"
    return {
        name: environment.get(variable + suffix) or environment.get(variable) or ""
        for name, variable in VARIABLES.items()
    }


def _ask(provider: Any, account: str) -> Mapping[str, Any] | None:
    source = provider(account) if isinstance(provider, type) else provider
    if hasattr(source, "load_credentials"):
        offered = source.load_credentials()
        return offered if offered is not None else getattr(source, "credentials", None)
    return source if isinstance(source, Mapping) else source(account)


def _value(source: Any, name: str) -> str:
    if isinstance(source, Mapping):
        return _clean(source.get(name))
    return _clean(getattr(source, name, None))


def _clean(value: Any) -> str:
    """Strip what surrounds a secret: read from a file, it often ends in a newline."""
    return "" if value is None else str(value).strip()


def _missing(credentials: Credentials) -> list[str]:
    return [field.name for field in fields(Credentials) if not getattr(credentials, field.name)]


def _complete(credentials: Credentials) -> Credentials:
    missing = _missing(credentials)
    if missing:
        raise MissingCredentials(missing)
    return credentials
