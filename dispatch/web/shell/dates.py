"""Days and moments in the reader's language, as filters of templates.

Each shape is a message of its own, so that a language can put its parts in another order.
"""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils.formats import date_format
from django.utils.translation import pgettext

register = template.Library()


@register.filter(expects_localtime=True)
def day(moment: dt.date | None) -> str:
    """Return a day with its year, such as "26 Nov 2026"; nothing where there is none."""
    return date_format(moment, pgettext("format", "j M Y")) if moment else ""


@register.filter(expects_localtime=True)
def short_day(moment: dt.date | None) -> str:
    """Return a day of this year, such as "26 Nov"; nothing where there is none."""
    return date_format(moment, pgettext("format", "j M")) if moment else ""


@register.filter(expects_localtime=True)
def weekday(moment: dt.date | None) -> str:
    """Return a day by its name, such as "Thursday 26 November"; nothing where there is none."""
    return date_format(moment, pgettext("format", "l j F")) if moment else ""


@register.filter(expects_localtime=True)
def moment(moment: dt.datetime | None) -> str:
    """Return "26 Nov 2026, 14:05 UTC", in the current zone; nothing where there is none."""
    return date_format(moment, pgettext("format", "j M Y, H:i T")) if moment else ""


@register.filter(expects_localtime=True)
def short_moment(moment: dt.datetime | None) -> str:
    """Return "26 Nov, 14:05 UTC", in the current zone; nothing where there is none."""
    return date_format(moment, pgettext("format", "j M, H:i T")) if moment else ""


@register.filter(expects_localtime=True)
def exact_moment(moment: dt.datetime | None) -> str:
    """Return "26 Nov 2026, 14:05:09 UTC", in the current zone; nothing where there is none."""
    return date_format(moment, pgettext("format", "j M Y, H:i:s T")) if moment else ""
