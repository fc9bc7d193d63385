"""The sessions that a person has open."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext

from dispatch.models import Person
from dispatch.models.networks import UNKNOWN_ADDRESS, network_of

BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session with its device in words; ``here`` is set for the one that asks."""

    row: UserSession
    device: str
    here: bool

    @property
    def network(self) -> str:
        """The network that the session was begun from, "" where it is not known."""
        return "" if self.row.ip == UNKNOWN_ADDRESS else network_of(self.row.ip)


def sessions_of(person: Person, key: str | None = None) -> list[ShownSession]:
    """Return the person's living sessions: the one with this key first, then the last seen first.

    Two queries, where allauth's own list asks for every session and its person in turn.
    """
    rows = list(UserSession.objects.filter(user=person).order_by("-last_seen_at", "-pk"))
    alive = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    shown = [
        ShownSession(row, device_in_words(row.user_agent), row.session_key == key)
        for row in rows
        if row.session_key in alive
    ]
    return sorted(shown, key=lambda one: not one.here)


def device_in_words(device: str) -> str:
    """Return "Firefox on Windows" for what a browser says of itself."""
    browser = next((name for mark, name in BROWSERS if mark in device), gettext("A browser"))
    system = next((name for mark, name in SYSTEMS if mark in device), "")
    words = {"browser": browser, "system": system}
    return gettext("%(browser)s on %(system)s") % words if system else browser
