"""The filters of the jobs list: all of Amazon's, and those only we can offer.

Source: query parameters of ``getServiceJobs`` in Amazon's model.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import django_filters as filters
from django import forms
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db.models import QuerySet

from dispatch.models import JobReference, JobStatus, Person, Seller, ServiceJob, TechnicianResource
from dispatch.selectors import jobs as read
from dispatch.spapi import Marketplaces

Jobs = QuerySet[ServiceJob]
Kind = JobReference.Kind

RANGES = ("scheduled", "created", "updated")
FIRST_MOMENT = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
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


def _ids(label: str, *, pattern: str, hint: str, **where: Any) -> _Ids:
    return _Ids(
        label=label,
        validators=[MaxLengthValidator(100), RegexValidator(pattern, hint)],
        help_text="Several: separate them by commas.",
        **where,
    )


def _ticks(label: str, choices: Any = (), **where: Any) -> filters.MultipleChoiceFilter:
    return filters.MultipleChoiceFilter(
        label=label, choices=choices, widget=forms.CheckboxSelectMultiple, **where
    )


def _day(label: str) -> filters.DateFilter:
    return filters.DateFilter(
        label=label,
        method="by_day",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a day, such as 2026-11-24."},
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
        choices=[(view.slug, view.label) for view in read.QUICK_VIEWS],
        method="by_view",
        widget=forms.HiddenInput,
    )
    status = _ticks("Status", JobStatus.choices)
    seller = _ticks("Seller", field_name="seller_id")
    technician = _ticks("Technician", method="by_technician")
    skill = _ticks("Skill", method="by_skill")
    store = _ticks("Store", field_name="store_id")
    marketplace = _ticks("Marketplace", field_name="marketplace_id")
    scheduled_from = _day("Scheduled from")
    scheduled_to = _day("Scheduled to")
    created_from = _day("Created from")
    created_to = _day("Created to")
    updated_from = _day("Updated from")
    updated_to = _day("Updated to")
    order = _ids("Order id", field_name="service_order_id", **_DIGITS)
    product_order = _ids("Product order id", method="by_product_order", **_DIGITS)
    tracking = _ids(
        "Tracking id",
        method="by_tracking",
        pattern=r"^[A-Za-z0-9\-]+$",
        hint="A tracking id has only letters, digits and hyphens.",
    )
    asin = _ids(
        "ASIN",
        method="by_asin",
        pattern=r"^[A-Za-z0-9]{10}$",
        hint="An ASIN has ten letters and digits.",
    )

    class Meta:
        model = ServiceJob
        fields: list[str] = []
        form = JobFilterForm

    def __init__(
        self, data: Any, jobs: Jobs, *, person: Person, sellers: list[Seller], now: dt.datetime
    ) -> None:
        super().__init__(data, queryset=jobs)
        self.person, self.sellers, self.now = person, sellers, now
        self._offer("seller", [(str(seller.pk), seller.name) for seller in sellers])
        self._offer("technician", _roster(sellers))
        self._offer("skill", [(v, v) for v in read.reference_values(sellers, Kind.SKILL)])
        self._offer("store", [(v, v) for v in read.stores_of(sellers)])
        self._offer("marketplace", _marketplaces(sellers))

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.filters[name].extra["choices"] = choices

    def found(self) -> Jobs:
        """The jobs that match; none while a filter cannot be read, rather than wrong ones."""
        jobs: Jobs = self.qs if self.readable else self.queryset.none()
        return jobs

    @property
    def readable(self) -> bool:
        """Whether every filter of the address can be read."""
        return bool(self.form.is_valid())

    def by_words(self, jobs: Jobs, name: str, value: str) -> Jobs:
        return read.search(jobs, value, self.sellers)

    def by_view(self, jobs: Jobs, name: str, value: str) -> Jobs:
        return read.quick_view(value).apply(jobs, self.now)

    def by_technician(self, jobs: Jobs, name: str, value: list[str]) -> Jobs:
        chosen = TechnicianResource.objects.filter(technician_id__in=map(int, value))
        ids = chosen.values_list("resource_id")
        return self._by_reference(jobs, Kind.RESOURCE, ids) if value else jobs

    def by_skill(self, jobs: Jobs, name: str, value: list[str]) -> Jobs:
        return self._by_reference(jobs, Kind.SKILL, value) if value else jobs

    def by_product_order(self, jobs: Jobs, name: str, value: list[str]) -> Jobs:
        return self._by_reference(jobs, Kind.PRODUCT_ORDER, value)

    def by_tracking(self, jobs: Jobs, name: str, value: list[str]) -> Jobs:
        return self._by_reference(jobs, Kind.TRACKING, value)

    def by_asin(self, jobs: Jobs, name: str, value: list[str]) -> Jobs:
        return self._by_reference(jobs, Kind.ASIN, [asin.upper() for asin in value])

    def by_day(self, jobs: Jobs, name: str, value: dt.date) -> Jobs:
        which, end = name.split("_")
        if which == "scheduled":
            return jobs.filter(**{f"local_date__{'gte' if end == 'from' else 'lte'}": value})
        column = {"created": "created_at", "updated": "changed_at"}[which]
        if end == "from":
            return jobs.filter(**{f"{column}__gte": self._midnight(value)})
        return jobs.filter(**{f"{column}__lt": self._midnight(value, days=1)})

    def _by_reference(self, jobs: Jobs, kind: Kind, values: Any) -> Jobs:
        sellers = [seller.pk for seller in self.sellers]
        found = JobReference.objects.filter(seller__in=sellers, kind=kind, value__in=values)
        return jobs.filter(pk__in=found.values("job"))

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
    named: dict[str, str] = {}
    for resource in read.technicians_of(sellers):
        named.setdefault(str(resource.technician_id), resource.technician.name)
    return list(named.items())


def _marketplaces(sellers: list[Seller]) -> list[tuple[str, str]]:
    known = sorted({seller.marketplace_id for seller in sellers})
    return [(identity, Marketplaces.by_id(identity).name) for identity in known]
