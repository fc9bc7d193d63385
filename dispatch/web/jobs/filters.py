"""The filters of the jobs list: all of Amazon's, and those only we can offer.

Source: query parameters of ``getServiceJobs`` in Amazon's model.
"""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from functools import cached_property, lru_cache
from typing import Any

import django_filters as filters
from django import forms
from django.core.validators import MaxLengthValidator, RegexValidator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dispatch.models import JobReference, JobStatus, Person, Seller, ServiceJob, TechnicianResource
from dispatch.selectors.listing.conditions import Between, HasReference, OneOf
from dispatch.selectors.listing.facets import facets_of
from dispatch.selectors.listing.query import JobQuery
from dispatch.selectors.quick_views import QUICK_VIEWS, on_days, quick_view
from dispatch.selectors.search import search
from dispatch.selectors.technicians import roster_of
from dispatch.spapi import Marketplaces
from dispatch.web.shell.forms import DAY_ERRORS, DayInput

Kind = JobReference.Kind

RANGES = ("scheduled", "created", "updated")
COLUMNS = {
    "store": "store_id", "marketplace": "marketplace_id", "order": "service_order_id",
    "created": "created_key", "updated": "changed_at",
}  # fmt: skip
KINDS = {
    "skill": Kind.SKILL, "product_order": Kind.PRODUCT_ORDER, "tracking": Kind.TRACKING,
    "asin": Kind.ASIN,
}  # fmt: skip
FIRST_MOMENT = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
NEVER = dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
"""Just after what stands for "not known" in ``created_key``."""
LAST_MOMENT = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


class JobFilterForm(forms.Form):
    """The whole filter: what two fields say together is checked here."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in RANGES:
            first, last = data.get(f"{name}_from"), data.get(f"{name}_to")
            if first and last and last < first:
                self.add_error(f"{name}_to", "The end is before the beginning.")
        return data


class _Ids(filters.BaseInFilter, filters.CharFilter):
    """Several ids, separated by commas."""


def _ids(label: str, *, method: str, pattern: str, hint: str) -> _Ids:
    return _Ids(
        label=label,
        method=method,
        validators=[MaxLengthValidator(100), RegexValidator(pattern, hint)],
        help_text="Several: separate them by commas.",
    )


class Ticks(forms.CheckboxSelectMultiple):
    """Django's checkboxes without three templates for each: a roster of a hundred took 20 ms.

    What was drawn once is kept: the same few rosters are shown with each list.
    """

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        base = (attrs or {}).get("id", f"id_{name}")
        return _boxes(base, name, tuple(self.choices), frozenset(self.format_value(value)))


@lru_cache(maxsize=256)
def _boxes(
    base: str, name: str, choices: tuple[tuple[Any, Any], ...], chosen: frozenset[str]
) -> SafeString:
    boxes = (
        (f"{base}_{nth}", name, key, " checked" if str(key) in chosen else "", label)
        for nth, (key, label) in enumerate(choices)
    )
    box = (
        '<div><label for="{0}"><input type="checkbox" name="{1}" value="{2}" id="{0}"{3}>'
        " {4}</label></div>"
    )
    return format_html('<div id="{}">{}</div>', base, format_html_join("", box, boxes))


def _ticks(label: str, method: str, choices: Any = ()) -> filters.MultipleChoiceFilter:
    return filters.MultipleChoiceFilter(label=label, method=method, choices=choices, widget=Ticks)


def _day(label: str) -> filters.DateFilter:
    return filters.DateFilter(
        label=label,
        method="by_day",
        widget=DayInput,
        error_messages=DAY_ERRORS,
    )


_DIGITS = {"pattern": r"^[0-9\-]+$", "hint": "An order id has only digits and hyphens."}


class JobFilter(filters.FilterSet):
    """What the address bar may hold, applied to the jobs a person may see.

    ``sellers`` are that person's, ``now`` is aware. Days are the job's own for the appointment,
    the reader's for the rest.
    """

    q = filters.CharFilter(label="Search jobs", method="by_words", max_length=200)
    view = filters.ChoiceFilter(
        label="View",
        choices=[(view.slug, view.label) for view in QUICK_VIEWS],
        method="by_view",
        widget=forms.HiddenInput,
    )
    status = _ticks("Status", "by_status", JobStatus.choices)
    seller = _ticks("Seller", "by_seller")
    technician = _ticks("Technician", "by_technician")
    skill = _ticks("Skill", "by_reference")
    store = _ticks("Store", "by_column")
    marketplace = _ticks("Marketplace", "by_column")
    scheduled_from = _day("Scheduled from")
    scheduled_to = _day("Scheduled to")
    created_from = _day("Created from")
    created_to = _day("Created to")
    updated_from = _day("Updated from")
    updated_to = _day("Updated to")
    order = _ids("Order id", method="by_column", **_DIGITS)
    product_order = _ids("Product order id", method="by_reference", **_DIGITS)
    tracking = _ids(
        "Tracking id",
        method="by_reference",
        pattern=r"^[A-Za-z0-9\-]+$",
        hint="A tracking id has only letters, digits and hyphens.",
    )
    asin = _ids(
        "ASIN",
        method="by_reference",
        pattern=r"^[A-Za-z0-9]{10}$",
        hint="An ASIN has ten letters and digits.",
    )

    class Meta:
        model = ServiceJob
        fields: list[str] = []
        form = JobFilterForm

    def __init__(
        self,
        data: Any,
        visible: JobQuery,
        *,
        person: Person,
        sellers: list[Seller],
        now: dt.datetime,
    ) -> None:
        super().__init__(data, queryset=ServiceJob.objects.none())
        self.visible, self.person, self.sellers, self.now = visible, person, sellers, now
        self._offer("seller", [(str(seller.pk), seller.name) for seller in sellers])
        self._offer("technician", _roster(sellers))
        facets = facets_of(sellers)
        self._offer("skill", [(skill, skill) for skill in facets.skills])
        self._offer("store", [(store, store) for store in facets.stores])
        self._offer("marketplace", _marketplaces(sellers))

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        # Called for, not given: given ones are copied one by one with the form.
        self.filters[name].extra["choices"] = lambda: choices

    @cached_property
    def found(self) -> JobQuery:
        """The jobs that match; none while a filter cannot be read, rather than wrong ones."""
        if not self.readable:
            return self.visible.empty()
        query = self.visible
        for name, value in self.form.cleaned_data.items():
            query = self.filters[name].filter(query, value)
        return query

    @property
    def readable(self) -> bool:
        """Whether every filter of the address can be read."""
        return bool(self.form.is_valid())

    def by_words(self, query: JobQuery, name: str, value: str) -> JobQuery:
        return search(query, value)

    def by_view(self, query: JobQuery, name: str, value: str) -> JobQuery:
        return quick_view(value).apply(query, self.now)

    def by_status(self, query: JobQuery, name: str, value: list[str]) -> JobQuery:
        return query.only_statuses(value)

    def by_seller(self, query: JobQuery, name: str, value: list[str]) -> JobQuery:
        return query.only_sellers(map(uuid.UUID, value))

    def by_column(self, query: JobQuery, name: str, value: list[str]) -> JobQuery:
        return query.where(OneOf(COLUMNS[name], frozenset(value)))

    def by_technician(self, query: JobQuery, name: str, value: list[str]) -> JobQuery:
        chosen = TechnicianResource.objects.filter(technician_id__in=map(int, value))
        ids = chosen.order_by("resource_id").values_list("resource_id", flat=True).distinct()
        return query.where(HasReference(Kind.RESOURCE, tuple(ids)))

    def by_reference(self, query: JobQuery, name: str, value: list[str]) -> JobQuery:
        wanted = {one.upper() for one in value} if name == "asin" else set(value)
        return query.where(HasReference(KINDS[name], tuple(sorted(wanted))))

    def by_day(self, query: JobQuery, name: str, value: dt.date) -> JobQuery:
        which, end = name.split("_")
        if which == "scheduled":
            days = (value, None) if end == "from" else (None, value)
            return query.where(*on_days(*days))
        first = max(NEVER, self._midnight(value)) if end == "from" else NEVER
        after = None if end == "from" else self._midnight(value, days=1)
        return query.where(Between(COLUMNS[which], first, after))

    def _midnight(self, day: dt.date, days: int = 0) -> dt.datetime:
        zone = zoneinfo.ZoneInfo(self.person.time_zone or self._home_zone())
        try:
            midnight = dt.datetime.combine(day + dt.timedelta(days=days), dt.time(), zone)
            return midnight.astimezone(dt.UTC)
        except OverflowError:
            # The first and the last day of the calendar: everything is after, or before.
            return FIRST_MOMENT if day.year == dt.MINYEAR else LAST_MOMENT

    def _home_zone(self) -> str:
        return self.sellers[0].time_zone if self.sellers else "UTC"


def _roster(sellers: list[Seller]) -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in roster_of(sellers)]


def _marketplaces(sellers: list[Seller]) -> list[tuple[str, str]]:
    known = sorted({seller.marketplace_id for seller in sellers})
    return [(identity, Marketplaces.by_id(identity).name) for identity in known]
