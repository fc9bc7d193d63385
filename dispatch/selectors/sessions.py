"""The sessions that a person has open."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.utils import timezone

from dispatch.models import OpenSession, Person

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
class Shown:
    """A session in words; ``here`` is the one that asks."""

    row: OpenSession
    device: str
    here: bool


def of(person: Person, key: str | None = None) -> list[Shown]:
    """The person's sessions that are alive, this one first, then the last seen first."""
    rows = list(OpenSession.objects.filter(person=person).order_by("-seen_at", "-pk"))
    alive = set(
        Session.objects.filter(
            session_key__in=[row.key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    shown = [Shown(row, in_words(row.device), row.key == key) for row in rows if row.key in alive]
    return sorted(shown, key=lambda one: not one.here)


def in_words(device: str) -> str:
    """ "Firefox on Windows" for what the browser says of itself."""
    browser = next((name for mark, name in BROWSERS if mark in device), "A browser")
    system = next((name for mark, name in SYSTEMS if mark in device), "")
    return f"{browser} on {system}" if system else browser
