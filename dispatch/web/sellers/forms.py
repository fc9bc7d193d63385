"""The forms of the sellers' pages."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Seller
from dispatch.selectors.sellers import CREDENTIALS, marketplaces
from dispatch.services import sellers
from dispatch.services.writes.kind import Words
from dispatch.services.writes.kinds import KINDS
from dispatch.web.shell.forms import DayInput

_AS_AMAZON_PRINTS = RegexValidator(
    r"^[!-~]+$", _("Copy it again: it holds spaces or characters that Amazon never uses.")
)


@cache
def time_zones() -> list[tuple[str, str]]:
    """Return the zones by place, as (IANA name, readable name)."""
    places = sorted(name for name in available_timezones() if _is_place(name))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]


def _is_place(name: str) -> bool:
    area = name.partition("/")[0]
    return "/" in name and area not in ("Etc", "SystemV", "US", "posix", "right")


class WriteOnly(forms.PasswordInput):
    """Takes a value and never gives it back."""

    def __init__(self, input_type: str = "password") -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False)
        self.input_type = input_type


class SellerForm(forms.Form):
    """A seller account; credentials that are left empty stay as they are."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("As your people call it."))
    marketplace_id = forms.ChoiceField(label=_("Marketplace"), choices=marketplaces)
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zones,
        help_text=_("For jobs whose address does not tell the zone."),
    )
    sync_since = forms.DateField(
        label=_("Jobs created since"),
        required=False,
        widget=DayInput,
        help_text=_("Loaded first. Left empty: the last 90 days."),
    )
    client_id = forms.CharField(
        label=_("LWA client id"),
        max_length=200,
        required=False,
        widget=WriteOnly("text"),
        validators=[_AS_AMAZON_PRINTS],
        help_text=_("Begins with amzn1.application-oa2-client."),
    )
    client_secret = forms.CharField(
        label=_("Client secret"),
        max_length=500,
        required=False,
        widget=WriteOnly(),
        validators=[_AS_AMAZON_PRINTS],
    )
    refresh_token = forms.CharField(
        label=_("Refresh token"),
        max_length=2000,
        required=False,
        widget=WriteOnly(),
        validators=[_AS_AMAZON_PRINTS],
        help_text=_("Begins with Atzr|. Leave it empty to authorise at Amazon instead."),
    )
    application_id = forms.CharField(
        label=_("Application id"),
        max_length=100,
        required=False,
        validators=[_AS_AMAZON_PRINTS],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Begins with amzn1.sp.solution. Needed to authorise at Amazon."),
    )

    DETAILS = ("name", "marketplace_id", "time_zone", "sync_since")
    CREDENTIALS = ("client_id", "client_secret", "refresh_token", "application_id")

    def __init__(self, data: Any = None, *, seller: Seller | None = None, **kwargs: Any) -> None:
        if seller is not None:
            kwargs["initial"] = _initial(seller)
        super().__init__(data, **kwargs)
        if seller is not None and seller.jobs.exists():
            self.fields["marketplace_id"].disabled = True
            self.fields["marketplace_id"].help_text = _("Fixed: its jobs are loaded already.")

    def clean_sync_since(self) -> dt.date | None:
        since: dt.date | None = self.cleaned_data["sync_since"]
        if since and not dt.date(2015, 1, 1) <= since <= timezone.now().date():
            raise forms.ValidationError(gettext("Choose a day since 2015, not in the future."))
        return since

    def details(self) -> sellers.Details:
        """Return what was said of the account."""
        kept = {name: self.cleaned_data[name] for name in (*self.DETAILS, "application_id")}
        if since := kept["sync_since"]:
            zone = ZoneInfo(kept["time_zone"])
            kept["sync_since"] = dt.datetime.combine(since, dt.time(), tzinfo=zone)
        return sellers.Details(**kept)

    def credentials(self) -> sellers.Credentials:
        """Return the credentials as they were typed; "" for what stays as it is."""
        return sellers.Credentials(**{name: self.cleaned_data[name] for name in CREDENTIALS})

    def detail_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.DETAILS]

    def credential_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.CREDENTIALS]


def _initial(seller: Seller) -> dict[str, Any]:
    """Return what may be shown again, which the credentials may not."""
    shown = {name: getattr(seller, name) for name in (*SellerForm.DETAILS, "application_id")}
    if since := seller.sync_since:
        shown["sync_since"] = since.astimezone(ZoneInfo(seller.time_zone)).date()
    return shown


def _writes() -> list[tuple[str, Words]]:
    return [(kind.name, kind.label) for kind in KINDS.values()]


class SwitchesForm(forms.Form):
    """Which writes the seller has agreed with Amazon."""

    writes = forms.MultipleChoiceField(
        label=_("Switched on"),
        required=False,
        choices=_writes,
        widget=forms.CheckboxSelectMultiple,
    )


class DescriptionForm(forms.Form):
    """What people read beside a reason code."""

    description = forms.CharField(label=_("Description"), max_length=200, required=False)


class CodeField(forms.CharField):
    """One of Amazon's codes, which are upper case."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").upper()


class ReasonForm(DescriptionForm):
    """A reason code of Amazon's for the seller's marketplace."""

    code = CodeField(
        label=_("Code"),
        max_length=100,
        validators=[
            RegexValidator(
                r"^[A-Z0-9_]+$", _("Amazon's codes are letters, digits and underscores.")
            )
        ],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    field_order = ("code", "description")


class MoveForm(forms.Form):
    """Where a reason code goes."""

    to = forms.ChoiceField(choices=[("up", _("Up")), ("down", _("Down")), ("out", _("Remove"))])
