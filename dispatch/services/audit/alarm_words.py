"""What an alarm says: what happened, what it means, and what to do."""

from __future__ import annotations

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Alarm


def title(alarm: Alarm) -> str:
    """Return what happened, in a few words."""
    words = {
        "seller": alarm.seller,
        "person": alarm.person or gettext("Somebody"),
        "account": alarm.person or gettext("somebody"),
        "day": _day(alarm),
    }
    if alarm.kind not in TITLES:
        return alarm.kind
    return str(TITLES[Alarm.Kind(alarm.kind)] % words)


def text(alarm: Alarm) -> str:
    """Return what the alarm means, and what to do about it."""
    count = alarm.count or 0
    words = {"count": number_format(count, force_grouping=True), "finding": alarm.finding}
    match alarm.kind:
        case Alarm.Kind.VOLUME:
            return _taken(count) % words
        case Alarm.Kind.FAILURES:
            return _failed(count) % words
        case Alarm.Kind.MANY_FAILURES:
            return _failed_everywhere(count) % words
    if alarm.kind not in TEXTS:
        return ""
    return str(TEXTS[Alarm.Kind(alarm.kind)] % words)


TITLES = {
    Alarm.Kind.VOLUME: _("%(person)s took an unusual amount of buyer data of %(seller)s"),
    Alarm.Kind.FAILURES: _("Log-ins as %(account)s fail again and again"),
    Alarm.Kind.MANY_FAILURES: _("Many log-ins fail"),
    Alarm.Kind.AMAZON_REFUSES: _("Amazon denies access for %(seller)s"),
    Alarm.Kind.SECRET_EXPIRES: _("The client secret of %(seller)s expires on %(day)s"),
    Alarm.Kind.AUTHORISATION_EXPIRES: _("The authorisation of %(seller)s ends on %(day)s"),
    Alarm.Kind.LOG_BROKEN: _("The log of activity was changed"),
}
TEXTS = {
    Alarm.Kind.AMAZON_REFUSES: _(
        "Nothing can be read from Amazon or sent to it until this is put right. Open the seller "
        "and press Test connection: it says what is missing."
    ),
    Alarm.Kind.SECRET_EXPIRES: _(
        "After that nothing can be read from Amazon or sent to it. Make a new secret in the "
        "Solution Provider Portal and enter it under Sellers. The old one works for 7 more days."
    ),
    Alarm.Kind.AUTHORISATION_EXPIRES: _(
        "After that nothing can be read from Amazon or sent to it. Open the seller and authorise "
        "again."
    ),
    Alarm.Kind.LOG_BROKEN: _(
        "%(finding)s Somebody changed the database without Dispatch. Keep a copy of the database, "
        "and find out who was able to."
    ),
}


def _taken(count: int) -> str:
    return ngettext(
        "They opened or exported the data of %(count)s buyer within a day. Ask them why. If it "
        "was not them, remove their access and tell Amazon (security@amazon.com) within 24 hours.",
        "They opened or exported the data of %(count)s buyers within a day. Ask them why. If it "
        "was not them, remove their access and tell Amazon (security@amazon.com) within 24 hours.",
        count,
    )


def _failed(count: int) -> str:
    return ngettext(
        "This log-in failed %(count)s time within an hour. Ask the person whether it was them. "
        "If it was not, have them change their password.",
        "This log-in failed %(count)s times within an hour. Ask the person whether it was them. "
        "If it was not, have them change their password.",
        count,
    )


def _failed_everywhere(count: int) -> str:
    return ngettext(
        "%(count)s log-in failed within an hour, for several accounts or for none that exists. "
        "Somebody may be trying passwords. Activity shows where they come from.",
        "%(count)s log-ins failed within an hour, for several accounts or for none that exists. "
        "Somebody may be trying passwords. Activity shows where they come from.",
        count,
    )


def _day(alarm: Alarm) -> str:
    if alarm.due_at is None:
        return gettext("an unknown day")
    return date_format(alarm.due_at, pgettext("format", "j F Y"))
