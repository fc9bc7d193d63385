"""The pages of invitations: an owner hands out a link, and whoever it is for opens it to join."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.password_validation import (
    password_validators_help_text_html,
    validate_password,
)
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.models import INVITATION_DAYS, Invitation, Membership, Person, Seller
from dispatch.selectors.invitations import hash_of_token, invitation_by_hash, invitation_for
from dispatch.services.access import invitations
from dispatch.services.errors import CannotBeDone
from dispatch.web.people.views import offer_sellers, require_seller
from dispatch.web.shell.dialogs import Task, leave_task, show_task
from dispatch.web.shell.guards import PersonRequest

Role = Membership.Role
HELD = "invitation"
"""The session's key for the invitation that was followed, so that the address bar need not show
the link."""


class InviteForm(forms.Form):
    """Asks whom to invite, to which seller and in which role."""

    seller = forms.ModelChoiceField(Seller.objects.none(), label=_("Seller"), empty_label=None)
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("They log in with this address."),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.DISPATCHER,
        help_text=_(
            "A technician sees only their own jobs. An auditor sees everything but buyers’ data."
        ),
    )

    def __init__(self, owner: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_sellers(self, owner)


class JoinForm(forms.Form):
    """Asks a new person for their name and a password."""

    name = forms.CharField(
        max_length=100, label=_("Your name"), widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
    )
    password2 = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, email: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        first, second = data.get("password1"), data.get("password2")
        if first:
            try:
                validate_password(first, Person(email=self.email, name=data.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        if first and second and first != second:
            self.add_error("password2", gettext("The two passwords differ."))
        return data


@login_required
@require_http_methods(["GET", "POST"])
def invite(request: PersonRequest) -> HttpResponse:
    """Invite a person, and show the link, which cannot be shown again."""
    require_seller(request)
    form = InviteForm(request.user, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            invited = invitations.invite(**form.cleaned_data, by=request.user)
        except CannotBeDone as refusal:
            form.add_error("email", str(refusal))
        else:
            return _show_link(request, invited)
    words = gettext("They get a link that works once, for %(days)s days.")
    lead = words % {"days": INVITATION_DAYS}
    task = Task(gettext("Invite a person"), gettext("Invite"), reverse("people"), lead)
    return show_task(request, task, form)


def _show_link(request: PersonRequest, invited: invitations.Invited) -> HttpResponse:
    link = request.build_absolute_uri(reverse("invitation_link", args=[invited.token]))
    in_dialog = request.htmx.target == "dialog-body"
    context = {
        "invitation": invited.invitation,
        "link": link,
        "mailed": invitations.send(invitation=invited.invitation, link=link),
        "days": INVITATION_DAYS,
        "in_dialog": in_dialog,
    }
    return render(request, "people/link.html#task" if in_dialog else "people/link.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def withdraw(request: PersonRequest, invitation_id: int) -> HttpResponse:
    """Ask the owner to confirm, then withdraw an invitation."""
    invitation = invitation_for(request.user, invitation_id)
    if invitation is None:
        raise Http404("No such invitation.")
    if request.method == "POST":
        invitations.withdraw(invitation=invitation)
        words = gettext("The invitation for %(email)s is withdrawn.")
        messages.success(request, words % {"email": invitation.email})
        return leave_task(request, reverse("people"))
    title = gettext("Withdraw the invitation for %(email)s?") % {"email": invitation.email}
    lead = gettext("Their link will no longer work.")
    task = Task(title, gettext("Withdraw"), reverse("people"), lead, True)
    return show_task(request, task)


@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Remember which invitation a link is for, and go on to an address without its token."""
    request.session[HELD] = hash_of_token(token)
    return redirect("invitation")


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    """Show what the invitation is for, and accept it for the person logged in, or a new one."""
    invitation = invitation_by_hash(request.session.get(HELD, ""))
    if invitation is None:
        return render(request, "people/invitation_gone.html", status=404)
    if isinstance(request.user, Person):
        return _accept_as(request, invitation, request.user)
    if Person.objects.filter(email__iexact=invitation.email).exists():
        return render(request, "people/invitation.html", {"invitation": invitation, "known": True})
    return _accept_as_new(request, invitation)


def _accept_as(request: HttpRequest, invitation: Invitation, person: Person) -> HttpResponse:
    problem = ""
    if request.method == "POST":
        try:
            invitations.accept(invitation=invitation, person=person)
        except CannotBeDone as refusal:
            problem = str(refusal)
        else:
            request.session.pop(HELD, None)
            words = gettext("You have joined %(seller)s.")
            messages.success(request, words % {"seller": invitation.seller or "Dispatch"})
            return redirect("home")
    context = {
        "invitation": invitation,
        "problem": problem,
        "mine": person.email.lower() == invitation.email,
    }
    return render(request, "people/invitation.html", context, status=422 if problem else 200)


def _accept_as_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = JoinForm(invitation.email, request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        try:
            person = invitations.accept_as_new(
                invitation=invitation, name=data["name"], password=data["password1"]
            )
        except CannotBeDone as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session.pop(HELD, None)
            login = Login(user=person, email=person.email)
            answer: HttpResponse = perform_password_login(request, {"email": person.email}, login)
            return answer
    context = {"invitation": invitation, "form": form}
    return render(request, "people/invitation.html", context, status=422 if form.is_bound else 200)
