"""The filters of the jobs list: all of Amazon's, and those only we can offer.

Source: query parameters of ``getServiceJobs`` in Amazon's model.
"""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MaxLengthValidator, RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import JobReference, JobStatus, Person, Seller, TechnicianResource
from dispatch.selectors.listing.conditions import Between, HasReference, OneOf
from dispatch.selectors.listing.facets import facets_of
from dispatch.selectors.listing.query import JobQuery
from dispatch.selectors.quick_views import QUICK_VIEWS, on_days, quick_view
from dispatch.selectors.search import search
from dispatch.selectors.technicians import roster_of
from dispatch.spapi import Marketplaces
from dispatch.web.shell.forms import DAY_ERRORS, DayInput, Ticks

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

RANGES = ("scheduled", "created", "updated")
COLUMNS = {
    "store": "store_id", "marketplace": "marketplace_id", "order": "service_order_id",
    "created": "created_key", "updated": "changed_at",
}  # fmt: skip
REFERENCES = {
    "skill": JobReference.Kind.SKILL,
    "product_order": JobReference.Kind.PRODUCT_ORDER,
    "tracking": JobReference.Kind.TRACKING,
    "asin": JobReference.Kind.ASIN,
}
FIRST_MOMENT = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
NEVER = dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
"""Just after what stands for "not known" in ``created_key``."""
LAST_MOMENT = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


class Ids(forms.CharField):
    """Several ids, separated by commas; its value is a list."""

    def __init__(self, label: str | _StrPromise, *, pattern: str, hint: str | _StrPromise) -> None:
        super().__init__(
            label=label,
            required=False,
            validators=[MaxLengthValidator(100), RegexValidator(pattern, hint)],
            help_text=_("Several: separate them by commas."),
        )

    def clean(self, value: Any) -> Any:
        return [super(Ids, self).clean(one) for one in value.split(",")] if value else []


def _ticks(label: str | _StrPromise, choices: Any = ()) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, choices=choices, required=False, widget=Ticks)


def _day(label: str | _StrPromise) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=DayInput, error_messages=DAY_ERRORS)


_DIGITS: dict[str, Any] = {
    "pattern": r"^[0-9\-]+$",
    "hint": _("An order id has only digits and hyphens."),
}


class JobFilterForm(forms.Form):
    """The fields of the filter, with the choices that one person has."""

    q = forms.CharField(label=_("Search jobs"), max_length=200, required=False)
    view = forms.ChoiceField(
        label=_("View"),
        choices=[(view.slug, view.label) for view in QUICK_VIEWS],
        required=False,
    )
    status = _ticks(_("Status"), JobStatus.choices)
    seller = _ticks(_("Seller"))
    technician = _ticks(_("Technician"))
    skill = _ticks(_("Skill"))
    store = _ticks(_("Store"))
    marketplace = _ticks(_("Marketplace"))
    scheduled_from = _day(_("Scheduled from"))
    scheduled_to = _day(_("Scheduled to"))
    created_from = _day(_("Created from"))
    created_to = _day(_("Created to"))
    updated_from = _day(_("Updated from"))
    updated_to = _day(_("Updated to"))
    order = Ids(_("Order id"), **_DIGITS)
    product_order = Ids(_("Product order id"), **_DIGITS)
    tracking = Ids(
        _("Tracking id"),
        pattern=r"^[A-Za-z0-9\-]+$",
        hint=_("A tracking id has only letters, digits and hyphens."),
    )
    asin = Ids(
        _("ASIN"), pattern=r"^[A-Za-z0-9]{10}$", hint=_("An ASIN has ten letters and digits.")
    )

    def __init__(self, data: QueryDict, *, sellers: list[Seller]) -> None:
        super().__init__(data)
        facets = facets_of(sellers)
        self._offer("seller", [(str(seller.pk), seller.name) for seller in sellers])
        self._offer("technician", _roster(sellers))
        self._offer("skill", [(skill, skill) for skill in facets.skills])
        self._offer("store", [(store, store) for store in facets.stores])
        self._offer("marketplace", _marketplaces(sellers))

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)
        # Called for, not given: Django walks given ones twice for each form.
        field.choices = lambda: choices

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in RANGES:
            first, last = data.get(f"{name}_from"), data.get(f"{name}_to")
            if first and last and last < first:
                self.add_error(f"{name}_to", gettext("The end is before the beginning."))
        return data


class JobFilter:
    """Applies what an address asks for to the jobs that a person may see.

    ``sellers`` are that person's, ``now`` is aware. Days are the job's own for the appointment,
    the reader's for the rest.
    """

    def __init__(
        self,
        data: QueryDict,
        visible: JobQuery,
        *,
        person: Person,
        sellers: list[Seller],
        now: dt.datetime,
    ) -> None:
        self.form = JobFilterForm(data, sellers=sellers)
        self.visible, self.person, self.sellers, self.now = visible, person, sellers, now

    @cached_property
    def found(self) -> JobQuery:
        """Return the jobs that match; rather none than wrong ones while a filter cannot be read."""
        if not self.readable:
            return self.visible.empty()
        query = self.visible
        for name, value in self.form.cleaned_data.items():
            if value:
                query = NARROW[name](self, query, name, value)
        return query

    @property
    def readable(self) -> bool:
        """Tell whether every filter of the address can be read."""
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
        return query.where(HasReference(JobReference.Kind.RESOURCE, tuple(ids)))

    def by_reference(self, query: JobQuery, name: str, value: list[str]) -> JobQuery:
        wanted = {one.upper() for one in value} if name == "asin" else set(value)
        return query.where(HasReference(REFERENCES[name], tuple(sorted(wanted))))

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


NARROW: dict[str, Callable[[JobFilter, JobQuery, str, Any], JobQuery]] = {
    "q": JobFilter.by_words,
    "view": JobFilter.by_view,
    "status": JobFilter.by_status,
    "seller": JobFilter.by_seller,
    "technician": JobFilter.by_technician,
    **dict.fromkeys(("store", "marketplace", "order"), JobFilter.by_column),
    **dict.fromkeys(REFERENCES, JobFilter.by_reference),
    **dict.fromkeys(
        (f"{name}_{end}" for name in RANGES for end in ("from", "to")), JobFilter.by_day
    ),
}
"""How what was chosen in each field narrows the jobs."""


def _roster(sellers: list[Seller]) -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in roster_of(sellers)]


def _marketplaces(sellers: list[Seller]) -> list[tuple[str, str]]:
    known = sorted({seller.marketplace_id for seller in sellers})
    return [(identity, Marketplaces.by_id(identity).name) for identity in known]
