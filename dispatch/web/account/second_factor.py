"""Second factors: authenticator apps, passkeys, recovery codes, and the page that asks for one."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from dispatch.models import Person
from dispatch.selectors.people import has_second_factor
from dispatch.services.access import lockout, second_factors
from dispatch.web.account.gates import SECOND_FACTOR, Grace, gate_of, open_gate
from dispatch.web.shell.guards import PersonRequest


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's adapter for second factors; it seals the secrets of apps and recovery codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This did not work. A code works once, for half a minute."),
    }

    def encrypt(self, text: str) -> str:
        return second_factors.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return second_factors.unseal(encrypted_text)

    def generate_authenticator_name(self, user: Person, type: Authenticator.Type) -> str:  # noqa: A002
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        if number == 1:
            return gettext("Passkey")
        return gettext("Passkey %(number)s") % {"number": number}


class _Counted:
    """A form whose code takes one of the account's ten attempts, as a password does."""

    user: Person

    def clean_code(self) -> str:
        if not lockout.take_attempt(self.user.email):
            raise get_account_adapter().validation_error("incorrect_code")
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except ValidationError:
            lockout.note_failure(self.user.email)
            raise
        lockout.give_attempt_back(self.user.email)
        return code


class _NotWhileLocked:
    """A form whose passkey is not taken while the account is locked."""

    user: Person | None

    def clean_credential(self) -> Authenticator:
        if self.user and lockout.is_locked(self.user.email):
            raise get_account_adapter().validation_error("incorrect_code")
        return super().clean_credential()  # type: ignore[misc]


class AuthenticateForm(_Counted, base_forms.AuthenticateForm):  # type: ignore[misc]
    """Asks for a code at the log-in."""


class ReauthenticateForm(_Counted, base_forms.ReauthenticateForm):  # type: ignore[misc]
    """Asks for a code before something sensitive, and to unlock a phone."""


class AuthenticateWebAuthnForm(_NotWhileLocked, webauthn_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """Asks for a passkey at the log-in, after the password."""


class ReauthenticateWebAuthnForm(_NotWhileLocked, webauthn_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Asks for a passkey before something sensitive, and to unlock a phone."""


class AddPasskeyForm(webauthn_forms.AddWebAuthnForm):  # type: ignore[misc]
    """Adds a passkey: a key that needs no name typed first, and asks who holds it."""

    passwordless = forms.BooleanField(required=False, initial=True, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("To tell your passkeys apart, such as “Work phone”.")
        self.fields["name"].max_length = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: PersonRequest) -> HttpResponse:
    """Ask a person to set up a second factor; "Later" works at their first log-in only."""
    grace = gate_of(request, SECOND_FACTOR)
    if grace is None or has_second_factor(request.user):
        open_gate(request, SECOND_FACTOR)
        return redirect("home")
    if request.method == "POST" and grace == Grace.ONCE:
        open_gate(request, SECOND_FACTOR)
        return redirect("home")
    return render(request, "account/second_factor.html", {"later": grace == Grace.ONCE})
