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
    Alarm.Kind.VOLUME: _("%(person)s took unusually much buyer data of %(seller)s"),
    Alarm.Kind.FAILURES: _("Log-ins as %(account)s fail again and again"),
    Alarm.Kind.MANY_FAILURES: _("Many log-ins fail"),
    Alarm.Kind.AMAZON_REFUSES: _("Amazon denies access for %(seller)s"),
    Alarm.Kind.SECRET_EXPIRES: _("The client secret of %(seller)s expires on %(day)s"),
    Alarm.Kind.AUTHORISATION_EXPIRES: _("The authorisation of %(seller)s ends on %(day)s"),
    Alarm.Kind.LOG_BROKEN: _("The log of activity was touched"),
}
TEXTS = {
    Alarm.Kind.AMAZON_REFUSES: _(
        "Writes and reads are refused until it is mended. Open the seller and press "
        "Test connection: it says what is missing."
    ),
    Alarm.Kind.SECRET_EXPIRES: _(
        "After that Amazon answers nothing. Rotate it in the Solution Provider Portal and "
        "enter the new one under Sellers; the old one works for 7 more days."
    ),
    Alarm.Kind.AUTHORISATION_EXPIRES: _(
        "After that Amazon answers nothing. Open the seller and authorise again."
    ),
    Alarm.Kind.LOG_BROKEN: _(
        "%(finding)s Somebody changed the database past Dispatch. Keep a copy of it, "
        "and find out who could."
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
        "%(count)s failure within an hour. Ask whether it was them. "
        "If not, have them change their password.",
        "%(count)s failures within an hour. Ask whether it was them. "
        "If not, have them change their password.",
        count,
    )


def _failed_everywhere(count: int) -> str:
    return ngettext(
        "%(count)s failure within an hour, of several accounts or of none. "
        "Somebody may be trying passwords.",
        "%(count)s failures within an hour, of several accounts or of none. "
        "Somebody may be trying passwords.",
        count,
    )


def _day(alarm: Alarm) -> str:
    if alarm.due_at is None:
        return gettext("a day unknown")
    return date_format(alarm.due_at, pgettext("format", "j F Y"))
