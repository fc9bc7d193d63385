"""Records log-ins in the log of activity: success, failure, second factors, new passwords."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.dispatch import receiver

from dispatch.models import Person
from dispatch.services.audit import activity


@receiver(account.user_logged_in)
def logged_in(sender: Any, user: Person, **_: Any) -> None:
    activity.record(activity.Kind.LOG_IN, person=user)


@receiver(user_logged_out)
def logged_out(sender: Any, user: Person | None, **_: Any) -> None:
    if user is not None:
        activity.record(activity.Kind.LOGGED_OUT, person=user)


@receiver(user_login_failed)
def log_in_failed(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    person, subject = activity.whose_account(
        str(credentials.get("email") or credentials.get("username") or "")
    )
    activity.record(activity.Kind.LOG_IN_FAILED, person=person, subject=subject)


@receiver(mfa.authentication_failed)
def second_factor_failed(sender: Any, user: Person, authenticator: Any, **_: Any) -> None:
    factor = getattr(authenticator, "type", None)
    activity.record(activity.Kind.SECOND_FACTOR_FAILED, person=user, factor=factor)


@receiver(mfa.authenticator_added)
def second_factor_added(sender: Any, user: Person, authenticator: Any, **_: Any) -> None:
    _second_factor_changed(user, authenticator, "added")


@receiver(mfa.authenticator_removed)
def second_factor_removed(sender: Any, user: Person, authenticator: Any, **_: Any) -> None:
    _second_factor_changed(user, authenticator, "removed")


@receiver(mfa.authenticator_reset)
def second_factor_reset(sender: Any, user: Person, authenticator: Any, **_: Any) -> None:
    _second_factor_changed(user, authenticator, "reset")


def _second_factor_changed(user: Person, authenticator: Any, change: str) -> None:
    activity.record(
        activity.Kind.SECOND_FACTOR_CHANGED, person=user, factor=authenticator.type, change=change
    )


@receiver(account.password_set)
def password_set(sender: Any, user: Person, **_: Any) -> None:
    activity.record(activity.Kind.PASSWORD_CHANGED, person=user, change="set")


@receiver(account.password_changed)
def password_changed(sender: Any, user: Person, **_: Any) -> None:
    activity.record(activity.Kind.PASSWORD_CHANGED, person=user, change="changed")


@receiver(account.password_reset)
def password_reset(sender: Any, user: Person, **_: Any) -> None:
    activity.record(activity.Kind.PASSWORD_CHANGED, person=user, change="reset")
