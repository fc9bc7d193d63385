"""The log of activity: who did what, when and from where. For owners and auditors."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dispatch.models import Activity
from dispatch.selectors import activity
from dispatch.services.audit import exports
from dispatch.web.activity.filters import ActivityFilter
from dispatch.web.activity.words import in_words
from dispatch.web.shell.chips import chips
from dispatch.web.shell.clock import named_zone
from dispatch.web.shell.files import csv_file
from dispatch.web.shell.guards import PersonRequest

PAGE_SIZE = 50
OF_A_JOB = (Activity.Kind.WRITE, Activity.Kind.BUYER_DATA_OPENED)
ALARMING = (Activity.Kind.LOG_IN_FAILED, Activity.Kind.SECOND_FACTOR_FAILED, Activity.Kind.ALARM)
CHIPS = (
    ("kind", _("What"), ("kind",)),
    ("person", _("Who"), ("person",)),
    ("seller", _("Seller"), ("seller",)),
    ("time", _("When"), ("from", "to")),
    ("subject", _("On what"), ("subject",)),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the log in words."""

    row: Activity
    when: str
    words: str
    alarming: bool
    url: str


@require_safe
@login_required
def index(request: PersonRequest) -> HttpResponse:
    """Show the log as a page, or its swapped parts when htmx asks."""
    form = _form(request)
    swap = request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request
    context = {**_context(request, form), "swap": swap}
    return render(request, "activity/index.html#swap" if swap else "activity/index.html", context)


def _form(request: PersonRequest) -> ActivityFilter:
    if not activity.reads(request.user):
        raise Http404("No such page.")
    return ActivityFilter(_settled(request.GET), request.user, named_zone(request.user.time_zone))


def _settled(asked: QueryDict) -> QueryDict:
    """Return the query without its empty parts, unknown names and NULs, which no row holds."""
    query = QueryDict(mutable=True)
    for name in ("kind", "person", "seller", "from", "to", "subject", "page"):
        values = [v.replace("\0", "�").strip() for v in asked.getlist(name) if v.strip()]
        if values:
            query.setlist(name, values)
    return query


def _context(request: PersonRequest, form: ActivityFilter) -> dict[str, Any]:
    query = form.data
    assert isinstance(query, QueryDict)
    page = activity.Page([], "", "")
    if form.is_valid():
        page = activity.log_for(request.user, form.chosen()).page(query.get("page", ""), PAGE_SIZE)
    rows = [_shown(row, form.zone) for row in page.rows]
    return {
        "form": form,
        "rows": rows,
        "said": gettext("%(count)s on this page") % {"count": len(rows)},
        "zone": dt.datetime.now(form.zone).tzname(),
        "people": activity.people_of(request.user),
        "chips": chips(form, query, CHIPS, partial(_address, query)),
        "previous_url": _address(query, page=page.previous) if page.previous else "",
        "next_url": _address(query, page=page.next) if page.next else "",
        "export_url": _address(query, "activity_export"),
        "filtered": bool(query.keys() - {"page"}),
    }


def _address(query: QueryDict, name: str = "activity", **changes: str) -> str:
    """Return the address of the log with some parameters changed; "" takes one out."""
    changed = query.copy()
    changed.pop("page", None)
    for key, value in changes.items():
        changed.pop(key, None)
        if value:
            changed[key] = value
    return f"{reverse(name)}?{changed.urlencode()}" if changed else reverse(name)


def _shown(row: Activity, zone: zoneinfo.ZoneInfo) -> Shown:
    of_a_job = row.kind in OF_A_JOB and row.subject
    return Shown(
        row=row,
        # In words already: a template would show it in UTC.
        when=date_format(row.at.astimezone(zone), pgettext("format", "j M Y H:i:s")),
        words=in_words(row),
        alarming=row.kind in ALARMING,
        url=reverse("job", args=[row.subject]) if of_a_job else "",
    )


@require_safe
@login_required
def export(request: PersonRequest) -> HttpResponseBase:
    """Send a CSV file of exactly what the filter shows, every page of it."""
    form = _form(request)
    if not form.is_valid():
        assert isinstance(form.data, QueryDict)
        return redirect(_address(form.data))
    log = activity.log_for(request.user, form.chosen())
    sellers = {seller.pk: seller for seller in activity.sellers_of(request.user)}
    rows = exports.activity_rows(person=request.user, rows=log.every(), sellers=sellers)
    return csv_file(request, rows, f"activity-{timezone.now():%Y-%m-%d}.csv")
