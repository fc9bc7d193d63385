"""Acts on allauth's and Django's signals: a log-in begins a session, a new password opens a gate.

Signals come however something was done: on allauth's pages, on ours, or from a command.
"""

from __future__ import annotations

from typing import Any

from allauth.account.signals import (
    authentication_step_completed,
    password_changed,
    password_reset,
)
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from dispatch.models import Person
from dispatch.selectors.people import has_second_factor
from dispatch.services.access import lockout
from dispatch.web.account import presence
from dispatch.web.account.gates import (
    LOCK,
    NEW_PASSWORD,
    SECOND_FACTOR,
    Grace,
    close_gates,
    open_gate,
)


@receiver(user_logged_in)
def logged_in(request: HttpRequest, user: Person, **_: Any) -> None:
    lockout.lift(user.email)
    presence.begin(request, user)
    close_gates(request, user)


@receiver(authentication_step_completed)
def reauthenticated(request: HttpRequest, user: Person, **how: Any) -> None:
    if how.get("reauthenticated"):
        lockout.lift(user.email)
        open_gate(request, LOCK)
        presence.note(request)


@receiver(password_changed)
def new_password(request: HttpRequest, user: Person, **_: Any) -> None:
    open_gate(request, NEW_PASSWORD)


@receiver(password_reset)
def forgotten_password(request: HttpRequest, user: Person, **_: Any) -> None:
    lockout.lift(user.email)


@receiver(authenticator_added)
def second_factor_added(request: HttpRequest, user: Person, **_: Any) -> None:
    open_gate(request, SECOND_FACTOR)


@receiver(authenticator_removed)
def second_factor_removed(request: HttpRequest, user: Person, **_: Any) -> None:
    if settings.SECOND_FACTOR_REQUIRED and not has_second_factor(user):
        request.session[SECOND_FACTOR.key] = Grace.NONE
