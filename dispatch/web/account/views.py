"""How people log in with a password, and what they set for themselves."""

from __future__ import annotations

import time
import zoneinfo
from typing import TYPE_CHECKING, Any

from allauth.account import app_settings as allauth_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.core import context
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.models import Person
from dispatch.services.access import accounts, lockout
from dispatch.web.shell.guards import PersonRequest

NOT_CORRECT = _(
    "The e-mail address or the password is wrong. After ten failed attempts an "
    "account is locked for half an hour."
)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter for accounts: nobody signs up, and a locked account is not let in.

    A name that is unknown, a password that is wrong and an account that is locked are told alike.
    """

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": NOT_CORRECT,
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your password."),
        "incorrect_code": _("This did not work. A code works once, for half a minute."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Person | None:
        """Return the person of a right password, or None where it is wrong or the account locked.

        The password is hashed in any case, so that the time of the answer tells nothing.
        """
        name = str(credentials.get("email", ""))
        allowed = lockout.take_attempt(name)
        try:
            person: Person | None = super().authenticate(request, **credentials)
        except ValidationError:  # Too many from one address; nothing was tried.
            if allowed:
                lockout.give_attempt_back(name)
            raise
        if person is not None and allowed:
            lockout.give_attempt_back(name)
            return person
        if person is not None:
            # Recorded as any other failure is: a right password on a locked account takes as long.
            user_login_failed.send(__name__, credentials={"email": name}, request=request)
        if allowed:
            lockout.note_failure(name)
        return None

    def reauthenticate(self, user: Person, password: str) -> bool:
        person = self.authenticate(context.request, email=user.email, password=password)
        return person == user

    def pre_login(self, request: HttpRequest, user: Person, **hooks: Any) -> HttpResponse | None:
        """Let nobody in by a passkey whose account is locked."""
        if lockout.is_locked(user.email):
            messages.error(request, NOT_CORRECT)
            return redirect("account_login")
        answer: HttpResponse | None = super().pre_login(request, user, **hooks)
        return answer

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """Return False for a person who has just logged in: they need not prove it twice."""
        records = get_authentication_records(context.request, context.request.user)
        recent = time.time() - allauth_settings.REAUTHENTICATION_TIMEOUT
        if records and records[-1]["at"] > recent:
            return False
        return bool(super().is_reauthentication_required(app=app, **more))

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": gettext("Use your password"),
            "mfa_reauthenticate": gettext("Use a code"),
            "mfa_reauthenticate:webauthn": gettext("Use a passkey"),
        }
        methods = super().get_reauthentication_methods(user)
        return [one | {"description": words[one["id"]]} for one in methods]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_settings")


class ChangePasswordForm(AllauthChangePasswordForm):  # type: ignore[misc]
    """Changes the password; the current one takes one of the account's ten attempts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = (_("Current password"), _("New password"), _("The new password again"))
        for name, label in zip(("oldpassword", "password1", "password2"), labels, strict=True):
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)

    def clean_oldpassword(self) -> str:
        if not lockout.take_attempt(self.user.email):
            raise Adapter(context.request).validation_error("enter_current_password")
        password: str = super().clean_oldpassword()
        lockout.give_attempt_back(self.user.email)
        return password


@require_POST
@login_required
def set_theme(request: PersonRequest) -> HttpResponse:
    """Keep the chosen theme, and go back to the page on which it was chosen."""
    theme = request.POST.get("theme", "")
    if theme in Person.Theme.values:
        accounts.change_theme(person=request.user, theme=Person.Theme(theme))
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = "/"
    # Not `redirect()`: it would look for a view of that name.
    return HttpResponseRedirect(target)


if TYPE_CHECKING:
    _PersonForm = forms.ModelForm[Person]
else:
    _PersonForm = forms.ModelForm


class SettingsForm(_PersonForm):
    """What a person sets for themselves."""

    class Meta:
        model = Person
        fields = ("name", "time_zone", "theme", "shortcuts")
        labels = {
            "name": _("Name"),
            "time_zone": _("Time zone"),
            "theme": _("Theme"),
            "shortcuts": _("Keyboard shortcuts"),
        }
        help_texts = {
            "time_zone": _(
                "Such as Europe/Berlin. Times of other zones show yours in their tooltip."
            ),
            "shortcuts": _("Single keys such as J, K and /."),
        }

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError(
                gettext("There is no such time zone. Write it like Europe/Berlin.")
            )
        return name


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: PersonRequest) -> HttpResponse:
    """Show and keep a person's name, time zone, theme and keyboard shortcuts."""
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        accounts.change_settings(person=request.user, **form.cleaned_data)
        messages.success(request, gettext("Saved."))
        return redirect("account_settings")
    status = 422 if form.is_bound else 200
    return render(request, "account/settings.html", {"form": form}, status=status)
