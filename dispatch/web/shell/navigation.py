"""The rail on a desk, the bar on a phone, and who is looking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Person
from dispatch.selectors.access import Role


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link to a screen; ``badge`` is a number to be seen at once, 0 for none."""

    label: str
    url: str
    icon: str
    current: bool
    badge: int = 0


NEWCOMER = "newcomer"
"""Whoever has no seller yet, and begins by connecting one."""
SCREENS = (
    (_("Jobs"), "/jobs/", "jobs", frozenset({*Role, NEWCOMER})),
    (_("Sellers"), "/sellers/", "sellers", frozenset({Role.OWNER, NEWCOMER})),
    (_("People"), "/people/", "people", frozenset({Role.OWNER, NEWCOMER})),
    (_("Activity"), "/activity/", "activity", frozenset({Role.OWNER, Role.AUDITOR})),
)
ACCOUNT = (
    (_("Settings"), "account_settings", "settings"),
    (_("Password"), "account_change_password", "key"),
    (_("Two-factor"), "mfa_index", "shield"),
    (_("Sessions"), "sessions", "lock"),
)


def context(request: HttpRequest) -> dict[str, Any]:
    """Return for templates the screens of this person's roles, and how they like them shown."""
    person = getattr(request, "user", None)
    if not isinstance(person, Person):
        return {}
    roles = set(person.memberships.values_list("role", flat=True))
    nav = _nav(request, roles)
    views = _phone_views(request)
    jobs = [replace(item, current=False) if any(v.current for v in views) else item for item in nav]
    return {
        "nav": nav,
        "bottom_nav": [*views, *jobs[:1]],
        "account_nav": [
            NavItem(str(label), reverse(name), icon, request.path == reverse(name))
            for label, name, icon in ACCOUNT
        ],
        "seconds_left": _seconds_left(roles),
        "person": {"name": person.name or person.email, "initials": initials(str(person))},
        "theme": person.theme,
        "shortcuts": "on" if person.shortcuts else "off",
    }


def _nav(request: HttpRequest, roles: set[str]) -> list[NavItem]:
    return [
        NavItem(str(label), url, icon, request.path.startswith(url))
        for label, url, icon, who in SCREENS
        if who & (roles or {NEWCOMER})
    ]


def _seconds_left(roles: set[str]) -> int:
    """Return for how many seconds a page stays open when nothing happens."""
    technician = roles == {Role.TECHNICIAN}
    return 60 * (settings.TECHNICIAN_LOCK_MINUTES if technician else settings.IDLE_MINUTES)


def _phone_views(request: HttpRequest) -> list[NavItem]:
    view = _chosen_view(request) if request.path == "/jobs/" else ""
    return [
        NavItem(gettext("Today"), "/jobs/?view=today", "today", view == "today"),
        NavItem(gettext("Late"), "/jobs/?view=late", "attention", view == "late"),
    ]


def _chosen_view(request: HttpRequest) -> str:
    try:
        return request.GET.get("view", "")
    except SuspiciousOperation:
        return ""  # The page that says so must not stumble over the same address.


def initials(name: str) -> str:
    """Return the first letters of the first and the last word in upper case."""
    words = name.replace("@", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
