"""The forms of the writes: what a person chooses, checked before anything is sent.

Every one carries ``key``, the idempotency key made when it was shown. A kind of write that has a
form in `FORMS` has a button, a dialog and an address.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar, Self

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Action, ReasonCode, ServiceJob
from dispatch.selectors.candidates import candidates
from dispatch.selectors.jobs import reason_codes
from dispatch.services.writes.kind import Kind, Payload, Words
from dispatch.services.writes.kinds import add_appointment, assign, cancel, complete, reschedule
from dispatch.services.writes.ledger import words_of
from dispatch.web.shell import clock

LATEST = dt.timedelta(days=365)
"""Amazon takes no appointment further ahead."""
_CODE = RegexValidator(r"^[A-Z0-9_]{1,100}$", _("A reason code has only capitals, digits and _."))
_NOT_DOTS_ONLY = RegexValidator(r"[^.]", _("We do not know this appointment."))


class ActionForm(forms.Form):
    """What the form of every write needs: its key, the job, and how it is told to the person."""

    kind: ClassVar[Kind]
    chooses_time: ClassVar[bool] = False
    marks: ClassVar[str | None] = None
    """The field that is marked when Amazon refuses."""
    lead: ClassVar[Words] = ""
    """What a person should know before choosing."""
    cost: ClassVar[Words] = ""
    """What the write may cost at Amazon."""
    keep: ClassVar[Words] = _("Keep as it is")
    """The button that leaves everything as it is."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, *, job: ServiceJob) -> None:
        super().__init__(data, initial={"key": uuid.uuid4(), "appointment": job.appointment_id})
        self.job = job
        self.zone = clock.zone_of(job)
        self.refusal: Action | None = None

    def payload(self) -> Payload:
        """Return what is sent, by Amazon's names; only of a valid form."""
        raise NotImplementedError

    def clean_key(self) -> uuid.UUID:
        key: uuid.UUID = self.cleaned_data["key"]
        return key

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"key", "appointment"} & self.errors.keys():
            # Fields that nobody sees: without them nothing on the page would say what is wrong.
            self.add_error(None, _("This form is incomplete. Open it again from the job."))
        return data

    def refused(self, action: Action) -> None:
        """Mark the form with Amazon's own words."""
        self.refusal = action
        for error in action.errors:
            words = words_of(error) or gettext("Amazon gave no reason.")
            self.add_error(self.marks, gettext("Refused: %(words)s") % {"words": words})

    def with_new_key(self) -> Self:
        """Return the same form, everything typed still there, ready to be sent as a new write."""
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        data["key"] = str(uuid.uuid4())
        self.data = data
        return self


class _TimeForm(ActionForm):
    """Asks for a time where the job is: one of Amazon's slots, or any other."""

    chooses_time = True
    marks = "start"

    start = forms.DateTimeField(
        label=_("Start"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("The slot you pick, or any other time where the job is."),
        error_messages={"invalid": _("Enter a day and a time, such as 2026-11-24 09:00.")},
    )
    slot = forms.DateTimeField(required=False)
    """The slot's exact moment, which a local time cannot name in the hour the clocks go back."""

    def clean_start(self) -> dt.datetime | None:
        typed: dt.datetime | None = self.cleaned_data["start"]
        if typed is None:
            return None
        _check_calendar(typed)
        # The form reads times in the server's zone; what was typed is a time at the job.
        local = timezone.make_naive(typed, timezone.get_current_timezone())
        at_job = local.replace(tzinfo=self.zone)
        if at_job.astimezone(dt.UTC).astimezone(self.zone).replace(tzinfo=None) != local:
            raise forms.ValidationError(
                gettext("This time does not exist at the job: the clocks go forward then.")
            )
        return at_job

    def clean_slot(self) -> dt.datetime | None:
        slot: dt.datetime | None = self.cleaned_data["slot"]
        if slot is not None:
            _check_calendar(slot)
        return slot

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "slot" in self.errors:
            self.add_error("start", gettext("Pick one of the slots, or enter a time."))
        if "start" in self.errors:
            return data
        start, slot = data.get("start"), data.get("slot")
        if start and slot and start != slot:
            if start.replace(tzinfo=None) != slot.astimezone(self.zone).replace(tzinfo=None):
                both = gettext("You picked a slot and typed another time: clear one.")
                self.add_error("start", both)
                return data
            start = slot
        self._check(start or slot)
        return data

    def _check(self, start: dt.datetime | None) -> None:
        now = timezone.now()
        if start is None:
            self.add_error("start", gettext("Pick a slot or enter a time."))
        elif start <= now:
            self.add_error("start", gettext("This time is in the past."))
        elif start > now + LATEST:
            too_late = gettext("Amazon takes no appointment more than 365 days ahead.")
            self.add_error("start", too_late)
        else:
            self.chosen_start = start

    chosen_start: dt.datetime


def _check_calendar(moment: dt.datetime) -> None:
    """Refuse what no zone could show: the first and the last year there is."""
    if not dt.MINYEAR < moment.year < dt.MAXYEAR:
        raise forms.ValidationError(gettext("There is no such year."))


class AddAppointmentForm(_TimeForm):
    kind = add_appointment.KIND
    lead = _("Nothing is agreed with the buyer yet.")
    keep = _("Not now")

    def payload(self) -> Payload:
        return add_appointment.build(start=self.chosen_start)


class _ReasonForm(ActionForm):
    """Asks for one of the seller's reason codes, or another one typed in."""

    reason = forms.ChoiceField(label=_("Reason"), required=False)
    other_reason = forms.CharField(
        label=_("Another code"),
        required=False,
        max_length=100,
        help_text=_("A code from Amazon's list that is not above."),
    )
    reasons: ClassVar[ReasonCode.Kind]

    def __init__(self, data: QueryDict | None = None, *, job: ServiceJob) -> None:
        super().__init__(data, job=job)
        self.kept_reasons = reason_codes(job, self.reasons)
        codes = ((reason.code, str(reason)) for reason in self.kept_reasons)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", gettext("Choose a reason")), *codes]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        other = (data.get("other_reason") or "").strip().upper()
        if other:
            try:
                _CODE(other)
            except forms.ValidationError as error:
                self.add_error("other_reason", error)
        elif not data.get("reason") and "reason" not in self.errors:
            self.add_error("reason", gettext("Amazon asks for a reason."))
        self.chosen_reason = other or data.get("reason") or ""
        return data


class RescheduleForm(_ReasonForm, _TimeForm):
    kind = reschedule.KIND
    reasons = ReasonCode.Kind.RESCHEDULE
    cost = _(
        "Amazon counts this reschedule against you. "
        "Technicians who are busy then are taken off the job."
    )
    appointment = forms.CharField(
        max_length=100, widget=forms.HiddenInput, validators=[_NOT_DOTS_ONLY]
    )
    field_order = ("start", "reason", "other_reason")

    def payload(self) -> Payload:
        return reschedule.build(
            appointment_id=self.cleaned_data["appointment"],
            start=self.chosen_start,
            reason=self.chosen_reason,
        )


class CancelForm(_ReasonForm):
    kind = cancel.KIND
    reasons = ReasonCode.Kind.CANCEL
    marks = "reason"
    cost = _(
        "Amazon counts this against you and may charge a fee. You cannot undo it. "
        "Amazon tells the buyer."
    )
    keep = _("Keep the job")

    def payload(self) -> Payload:
        return cancel.build(reason=self.chosen_reason)


class AssignForm(ActionForm):
    kind = assign.KIND
    marks = "technicians"
    lead = _("The people you tick replace everyone assigned so far.")
    appointment = forms.CharField(
        max_length=100, widget=forms.HiddenInput, validators=[_NOT_DOTS_ONLY]
    )
    technicians = forms.MultipleChoiceField(
        label=_("Technicians"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one technician.")},
    )

    def __init__(self, data: QueryDict | None = None, *, job: ServiceJob) -> None:
        super().__init__(data, job=job)
        self.candidates = candidates(job)
        field = self.fields["technicians"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(one.resource_id, one.name) for one in self.candidates]
        self.initial["technicians"] = [one.resource_id for one in self.candidates if one.assigned]

    @property
    def ticked(self) -> list[str]:
        """Return whom the form shows as chosen."""
        return list(self["technicians"].value() or [])

    def payload(self) -> Payload:
        return assign.build(
            appointment_id=self.cleaned_data["appointment"],
            resource_ids=self.cleaned_data["technicians"],
        )


class CompleteForm(ActionForm):
    kind = complete.KIND
    lead = _("Tell Amazon that the work is done.")
    cost = _("You cannot undo it.")
    keep = _("Not yet")

    def payload(self) -> Payload:
        return complete.build()


FORMS: dict[str, type[ActionForm]] = {
    form.kind.name: form
    for form in (AddAppointmentForm, RescheduleForm, AssignForm, CompleteForm, CancelForm)
}
"""The forms by the names of their kinds, in the order of the buttons."""
