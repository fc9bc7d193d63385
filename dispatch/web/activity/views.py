"""The log of activity: who did what, when and from where. For owners and auditors."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dispatch.models import Action, Activity, Person, Seller
from dispatch.selectors import activity as read
from dispatch.services.audit import exports
from dispatch.services.writes.kinds import KINDS
from dispatch.web.activity import alarms
from dispatch.web.shell.chips import chips
from dispatch.web.shell.clock import named_zone
from dispatch.web.shell.files import csv_file
from dispatch.web.shell.forms import DAY_ERRORS, DayInput
from dispatch.web.shell.guards import PersonRequest

PAGE_SIZE = 50
OF_A_JOB = (Activity.Kind.WRITE, Activity.Kind.BUYER_DATA_OPENED)
ALARMING = (Activity.Kind.LOG_IN_FAILED, Activity.Kind.SECOND_FACTOR_FAILED, Activity.Kind.ALARM)
CHIPS = (
    ("kind", "What", ("kind",)),
    ("person", "Who", ("person",)),
    ("seller", "Seller", ("seller",)),
    ("time", "When", ("from", "to")),
    ("subject", "On what", ("subject",)),
)


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=DayInput, error_messages=DAY_ERRORS)


class ActivityFilter(forms.Form):
    """What to show of the log; days are the reader's own."""

    kind = forms.MultipleChoiceField(
        label="What",
        choices=Activity.Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    person = forms.CharField(
        label="E-mail",
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"list": "activity-people", "autocomplete": "off"}),
        help_text="Also of people who are gone.",
    )
    seller = forms.ModelChoiceField(Seller.objects.none(), required=False, empty_label="Any")
    subject = forms.CharField(
        label="On what", max_length=254, required=False, help_text="The whole job id or address."
    )

    def __init__(self, data: QueryDict, person: Person, zone: zoneinfo.ZoneInfo) -> None:
        super().__init__(data)
        self.zone = zone
        # ``from`` is a word of Python's own.
        self.fields["from"], self.fields["to"] = _day("From"), _day("To")
        seller = self.fields["seller"]
        assert isinstance(seller, forms.ModelChoiceField)
        seller.queryset = read.sellers_of(person)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("from"), data.get("to")
        if first and last and last < first:
            self.add_error("to", "The end is before the beginning.")
        return data

    def chosen(self) -> read.Chosen:
        data = self.cleaned_data
        seller = data.get("seller")
        return read.Chosen(
            kinds=tuple(data["kind"]),
            person_email=data["person"].lower(),
            seller=seller.pk if seller else None,
            since=self._midnight(data["from"]),
            until=self._midnight(data["to"], after=1),
            subject=data["subject"],
        )

    def _midnight(self, day: dt.date | None, after: int = 0) -> dt.datetime | None:
        """The beginning of a day at the reader's; None for none and beyond all time."""
        try:
            begins = dt.datetime.combine(day, dt.time(), self.zone) if day else None
            return begins and (begins + dt.timedelta(days=after)).astimezone(dt.UTC)
        except OverflowError:
            return None


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
    """The log as a page, or its swapped parts when htmx asks."""
    form = _form(request)
    swap = request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request
    context = {**_context(request, form), "swap": swap}
    return render(request, "activity/index.html#swap" if swap else "activity/index.html", context)


def _form(request: PersonRequest) -> ActivityFilter:
    if not read.reads(request.user):
        raise Http404("No such page.")
    return ActivityFilter(_settled(request.GET), request.user, named_zone(request.user.time_zone))


def _settled(asked: QueryDict) -> QueryDict:
    """The query without empty parts and what only browsers send; no NUL, which no row has."""
    query = QueryDict(mutable=True)
    for name in ("kind", "person", "seller", "from", "to", "subject", "page"):
        values = [v.replace("\0", "�").strip() for v in asked.getlist(name) if v.strip()]
        if values:
            query.setlist(name, values)
    return query


def _context(request: PersonRequest, form: ActivityFilter) -> dict[str, Any]:
    query = form.data
    assert isinstance(query, QueryDict)
    page = read.Page([], "", "")
    if form.is_valid():
        page = read.log_for(request.user, form.chosen()).page(query.get("page", ""), PAGE_SIZE)
    rows = [_shown(row, form.zone) for row in page.rows]
    return {
        "form": form,
        "rows": rows,
        "said": f"{len(rows)} on this page",
        "zone": dt.datetime.now(form.zone).tzname(),
        "people": read.people_of(request.user),
        "chips": chips(form, query, CHIPS, partial(_address, query)),
        "previous_url": _address(query, page=page.previous) if page.previous else "",
        "next_url": _address(query, page=page.next) if page.next else "",
        "export_url": _address(query, "activity_export"),
        "filtered": bool(query.keys() - {"page"}),
    }


def _address(query: QueryDict, name: str = "activity", **changes: str) -> str:
    """The address of the log with some parameters changed; "" takes one out."""
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
        when=f"{row.at.astimezone(zone):%-d %b %Y %H:%M:%S}",
        words=in_words(row),
        alarming=row.kind in ALARMING,
        url=reverse("job", args=[row.subject]) if of_a_job else "",
    )


def in_words(row: Activity) -> str:
    """The detail of a row for people: ``Reschedule · Accepted``, ``20 rows · buyer data``."""
    detail = dict(row.detail)
    if row.kind == Activity.Kind.WRITE:
        said = [
            _kind_label(detail.get("write")),
            _label(Action.State, detail.get("state")),
            *detail.get("errors", ()),
            *detail.get("warnings", ()),
        ]
        return " · ".join(filter(None, said))
    if row.kind == Activity.Kind.EXPORTED:
        with_buyers = "buyer data" if detail.get("buyers") else ""
        said = [f"{detail.get('rows', 0):,} of {detail.get('what', '')}", with_buyers]
        return " · ".join(filter(None, said))
    return " · ".join(
        f"{name.replace('_', ' ')}: {_plain(v)}" for name, v in sorted(detail.items())
    )


def _kind_label(name: Any) -> str:
    return str(KINDS[name].label) if name in KINDS else str(name or "")


def _label(names: Any, value: Any) -> str:
    return str(names(value).label) if value in names.values else str(value or "")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@require_safe
@login_required
def export(request: PersonRequest) -> HttpResponseBase:
    """A CSV file of exactly what the filter shows, every page of it."""
    form = _form(request)
    if not form.is_valid():
        assert isinstance(form.data, QueryDict)
        return redirect(_address(form.data))
    log = read.log_for(request.user, form.chosen())
    sellers = {seller.pk: seller for seller in read.sellers_of(request.user)}
    rows = exports.activity_rows(person=request.user, rows=log.every(), sellers=sellers)
    return csv_file(request, rows, f"activity-{timezone.now():%Y-%m-%d}.csv")


urlpatterns = [
    path("", index, name="activity"),
    path("export.csv", export, name="activity_export"),
    path("alarms/<int:alarm_id>/", alarms.acknowledge, name="alarm_acknowledge"),
]
