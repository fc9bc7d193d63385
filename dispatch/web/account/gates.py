"""Gates: what a session must pass before any other page opens.

There are three: the lock of a phone, a new password that is due, and a second factor. A closed gate
is a key in the session, so that looking for it costs no query.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from dispatch.models import Person
from dispatch.selectors.people import has_second_factor
from dispatch.services.access import accounts, passwords


class Grace(StrEnum):
    """Whether a person may put off setting up a second factor: at one log-in only."""

    ONCE = "once"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that a session may find closed."""

    key: str
    """The session's key: the gate is closed while it is there."""
    page: str
    """The name of the address where one passes the gate."""
    opens: tuple[str, ...] = ()
    """Names of other addresses that are open while the gate is closed."""
    carries_on: bool = False
    """Set where the page leads back to where one wanted to go."""

    def lets_through(self, view: str) -> bool:
        return view in (self.page, *ALWAYS_OPEN, *self.opens)

    def address(self, request: HttpRequest) -> str:
        if not self.carries_on:
            return reverse(self.page)
        wanted = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
        return with_next(reverse(self.page), wanted)


REAUTHENTICATION = ("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn")
ALWAYS_OPEN = (*REAUTHENTICATION, "account_logout", "presence", "healthz", "readyz", "metrics")
LOCK = Gate("locked", "account_reauthenticate", carries_on=True)
NEW_PASSWORD = Gate("password_due", "account_change_password")
SECOND_FACTOR = Gate(
    "second_factor",
    "second_factor",
    (
        "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn",
        "mfa_edit_webauthn", "mfa_remove_webauthn",
    ),
)  # fmt: skip
GATES = (LOCK, NEW_PASSWORD, SECOND_FACTOR)


def with_next(address: str, wanted: str) -> str:
    """Return an address that leads on to the wanted one, by its parameter ``next``."""
    return f"{address}?{urlencode({'next': wanted})}"


def close_gates(request: HttpRequest, person: Person) -> None:
    """Close the gates that this person must pass after logging in."""
    if passwords.is_due(person):
        request.session[NEW_PASSWORD.key] = True
    if settings.SECOND_FACTOR_REQUIRED and not has_second_factor(person):
        request.session[SECOND_FACTOR.key] = _grace(person)


def _grace(person: Person) -> Grace:
    """Return `Grace.ONCE` at a person's first log-in without a second factor, and use it up."""
    return Grace.ONCE if accounts.use_grace(person=person) else Grace.NONE


def closed_gate(request: HttpRequest, view: str) -> Gate | None:
    """Return the first closed gate that stands before this view, or None."""
    closed = (gate for gate in GATES if gate.key in request.session)
    return next((gate for gate in closed if not gate.lets_through(view)), None)


def gate_of(request: HttpRequest, gate: Gate) -> str | None:
    """Return what the session holds for a closed gate; None where the gate is open."""
    return request.session.get(gate.key)


def open_gate(request: HttpRequest, gate: Gate) -> None:
    """Let this session through from now on."""
    request.session.pop(gate.key, None)
