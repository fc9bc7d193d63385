"""The pages of people: their roles, and the roster of technicians with Amazon's resource ids."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from dispatch.models import Membership, Person, Seller, Technician
from dispatch.selectors.people import membership_for, people_of, teams_of, technician_for
from dispatch.selectors.reviews import review_is_due
from dispatch.selectors.sellers import owned_by
from dispatch.services import technicians
from dispatch.services.access import people
from dispatch.services.errors import CannotBeDone
from dispatch.web.shell.dialogs import Task, leave_task, show_task
from dispatch.web.shell.guards import PersonRequest, require_owner

Role = Membership.Role
COLOURS = [
    (1, _("Blue")), (2, _("Violet")), (3, _("Green")), (4, _("Amber")), (5, _("Pink")),
    (6, _("Teal")),
]  # fmt: skip
LONGEST_ID = 100
MOST_VALUES = 50


class ListField(forms.CharField):
    """A field of several short values, one a line or between commas; repeated ones count once."""

    widget = forms.Textarea

    def clean(self, value: Any) -> Any:
        text = super().clean(value) or ""
        values = list(dict.fromkeys(filter(None, (v.strip() for v in re.split(r"[,\r\n]", text)))))
        if self.required and not values:
            raise forms.ValidationError(self.error_messages["required"], "required")
        if len(values) > MOST_VALUES:
            raise forms.ValidationError(
                gettext("Please enter at most %(most)s.") % {"most": MOST_VALUES}
            )
        for one in values:
            if len(one) > LONGEST_ID or not one.isprintable():
                words = gettext(
                    "“%(value)s…” is too long or not readable: use at most %(most)s characters."
                )
                raise forms.ValidationError(words % {"value": one[:20], "most": LONGEST_ID})
        return values


class RoleForm(forms.Form):
    """Asks which role a person has for a seller."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class TechnicianForm(forms.Form):
    """Asks for a technician of the roster: name, resource ids, skills, colour and log-in."""

    seller = forms.ModelChoiceField(Seller.objects.none(), label=_("Seller"), empty_label=None)
    name = forms.CharField(label=_("Name"), max_length=100)
    resource_ids = ListField(
        label=_("Amazon resource ids"),
        max_length=6000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=_("One on each line. Amazon assigns jobs by these ids, and has no list of them."),
    )
    skills = ListField(
        label=_("Skills"),
        max_length=6000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("One on each line, or separated by commas."),
    )
    colour = forms.TypedChoiceField(label=_("Colour"), choices=COLOURS, coerce=int, initial=1)
    person = forms.ModelChoiceField(
        Person.objects.none(),
        label=_("Person"),
        required=False,
        empty_label=_("Nobody"),
        help_text=_("The person who logs in to see this technician’s jobs."),
    )

    def __init__(
        self, owner: Person, *args: Any, technician: Technician | None = None, **kwargs: Any
    ) -> None:
        if technician is not None:
            kwargs["initial"] = _as_typed(technician)
        super().__init__(*args, **kwargs)
        if technician is not None:
            del self.fields["seller"]
        else:
            offer_sellers(self, owner)
        self.of_seller = technician.seller if technician else None
        person = self.fields["person"]
        assert isinstance(person, forms.ModelChoiceField)
        person.queryset = Person.objects.filter(memberships__seller__in=owned_by(owner)).distinct()

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        seller, person = self.of_seller or data.get("seller"), data.get("person")
        if seller and person and not people_of(seller).contains(person):
            words = gettext("%(name)s does not belong to %(seller)s. Add them there first.")
            self.add_error("person", words % {"name": person, "seller": seller})
        return data


def offer_sellers(form: forms.Form, owner: Person) -> None:
    """Offer the owner's sellers in a form's field ``seller``, the first one chosen already."""
    field = form.fields["seller"]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = owned_by(owner)
    field.initial = field.queryset.first()


def _as_typed(technician: Technician) -> dict[str, Any]:
    return {
        "name": technician.name,
        "resource_ids": "\n".join(r.resource_id for r in technician.resources.all()),
        "skills": ", ".join(str(skill) for skill in technician.skills),
        "colour": technician.colour or 1,
        "person": technician.person_id,
    }


@login_required
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """List everybody who works for this owner's sellers."""
    require_owner(request)
    teams = teams_of(request.user)
    due = [team for team in teams if review_is_due(team.reviewed_at)]
    context = {"teams": teams, "due": due, "second_factor": settings.SECOND_FACTOR_REQUIRED}
    return render(request, "people/index.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def role(request: PersonRequest, membership_id: int) -> HttpResponse:
    """Change a person's role."""
    membership = get_membership(request, membership_id)
    form = RoleForm(request.POST or None, initial={"role": membership.role})
    if form.is_valid():
        try:
            people.change_role(membership=membership, role=Role(form.cleaned_data["role"]))
        except CannotBeDone as refusal:
            form.add_error("role", str(refusal))
        else:
            now = {"name": membership.person, "role": membership.get_role_display().lower()}
            messages.success(request, gettext("%(name)s is now %(role)s.") % now)
            return leave_task(request, reverse("people"))
    title = gettext("Role of %(name)s") % {"name": membership.person}
    lead = gettext("For %(seller)s") % {"seller": membership.seller}
    task = Task(title, gettext("Save"), reverse("people"), lead)
    return show_task(request, task, form)


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: PersonRequest, membership_id: int) -> HttpResponse:
    """Ask the owner to confirm, then end what a person may do for a seller."""
    membership = get_membership(request, membership_id)
    form = forms.Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            people.remove(membership=membership)
        except CannotBeDone as refusal:
            form.add_error(None, str(refusal))
        else:
            gone = {"name": membership.person, "seller": membership.seller}
            messages.success(request, gettext("%(name)s no longer sees %(seller)s.") % gone)
            return leave_task(request, reverse("people"))
    words = gettext("From their next click, they no longer see %(seller)s.")
    lead = words % {"seller": membership.seller}
    title = gettext("Remove %(name)s?") % {"name": membership.person}
    task = Task(title, gettext("Remove"), reverse("people"), lead, True)
    return show_task(request, task, form)


@login_required
@require_http_methods(["GET", "POST"])
def add_technician(request: PersonRequest) -> HttpResponse:
    """Put a technician on the roster."""
    require_seller(request)
    form = TechnicianForm(request.user, request.POST or None)
    task = Task(gettext("Add a technician"), gettext("Add technician"), reverse("people"))
    return _save_technician(request, form, task)


@login_required
@require_http_methods(["GET", "POST"])
def edit_technician(request: PersonRequest, technician_id: int) -> HttpResponse:
    """Change a technician."""
    technician = _get_technician(request, technician_id)
    form = TechnicianForm(request.user, request.POST or None, technician=technician)
    lead = gettext("For %(seller)s") % {"seller": technician.seller}
    task = Task(technician.name, gettext("Save"), reverse("people"), lead)
    return _save_technician(request, form, task, technician)


def _save_technician(
    request: PersonRequest,
    form: TechnicianForm,
    task: Task,
    technician: Technician | None = None,
) -> HttpResponse:
    if form.is_valid():
        try:
            technicians.save(
                **{"seller": form.of_seller, **form.cleaned_data}, technician=technician
            )
        except CannotBeDone as refusal:
            form.add_error("resource_ids", str(refusal))
        else:
            words = gettext("%(name)s is saved.") % {"name": form.cleaned_data["name"]}
            messages.success(request, words)
            return leave_task(request, reverse("people"))
    return show_task(request, task, form)


@login_required
@require_http_methods(["GET", "POST"])
def remove_technician(request: PersonRequest, technician_id: int) -> HttpResponse:
    """Ask the owner to confirm, then take a technician off the roster."""
    technician = _get_technician(request, technician_id)
    if request.method == "POST":
        technicians.remove(technician=technician)
        words = gettext("%(name)s is removed.") % {"name": technician.name}
        messages.success(request, words)
        return leave_task(request, reverse("people"))
    lead = gettext("They stay assigned to their jobs at Amazon.")
    title = gettext("Remove %(name)s?") % {"name": technician.name}
    task = Task(title, gettext("Remove"), reverse("people"), lead, True)
    return show_task(request, task)


def require_seller(request: PersonRequest) -> None:
    """Raise `Http404` for somebody who owns no seller."""
    if not owned_by(request.user).exists():
        raise Http404("No seller of your own.")


def get_membership(request: PersonRequest, membership_id: int) -> Membership:
    """Return a membership in one of this owner's sellers; raises `Http404` for any other."""
    membership = membership_for(request.user, membership_id)
    if membership is None:
        raise Http404("No such person.")
    return membership


def _get_technician(request: PersonRequest, technician_id: int) -> Technician:
    technician = technician_for(request.user, technician_id)
    if technician is None:
        raise Http404("No such technician.")
    return technician
