"""The filter of the log of activity: what, who, of which seller, when and on what."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Activity, Person, Seller
from dispatch.selectors import activity
from dispatch.web.shell.forms import DAY_ERRORS, DayInput

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


def _day(label: str | _StrPromise) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=DayInput, error_messages=DAY_ERRORS)


class ActivityFilter(forms.Form):
    """Says what to show of the log; days are the reader's own."""

    kind = forms.MultipleChoiceField(
        label=_("What"),
        choices=Activity.Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    person = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"list": "activity-people", "autocomplete": "off"}),
        help_text=_("Also of people who are gone."),
    )
    seller = forms.ModelChoiceField(
        Seller.objects.none(), label=_("Seller"), required=False, empty_label=_("Any")
    )
    subject = forms.CharField(
        label=_("On what"),
        max_length=254,
        required=False,
        help_text=_("The whole job id or address."),
    )

    def __init__(self, data: QueryDict, person: Person, zone: zoneinfo.ZoneInfo) -> None:
        super().__init__(data)
        self.zone = zone
        # ``from`` is a word of Python's own.
        self.fields["from"], self.fields["to"] = _day(_("From")), _day(_("To"))
        seller = self.fields["seller"]
        assert isinstance(seller, forms.ModelChoiceField)
        seller.queryset = activity.sellers_of(person)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("from"), data.get("to")
        if first and last and last < first:
            self.add_error("to", gettext("The end is before the beginning."))
        return data

    def chosen(self) -> activity.Chosen:
        data = self.cleaned_data
        seller = data.get("seller")
        return activity.Chosen(
            kinds=tuple(data["kind"]),
            person_email=data["person"].lower(),
            seller=seller.pk if seller else None,
            since=self._midnight(data["from"]),
            until=self._midnight(data["to"], after=1),
            subject=data["subject"],
        )

    def _midnight(self, day: dt.date | None, after: int = 0) -> dt.datetime | None:
        """Return when a day begins for the reader; None without a day, and beyond all time."""
        try:
            begins = dt.datetime.combine(day, dt.time(), self.zone) if day else None
            return begins and (begins + dt.timedelta(days=after)).astimezone(dt.UTC)
        except OverflowError:
            return None
