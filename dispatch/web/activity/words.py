"""The detail of a row of the log, in words: the log itself keeps codes, in no language."""

from __future__ import annotations

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import Action, Activity
from dispatch.services.writes.kinds import KINDS

NAMES = {
    "alarm": _("alarm"),
    "before": _("before"),
    "change": _("change"),
    "count": _("count"),
    "credentials": _("credentials"),
    "days": _("days"),
    "factor": _("factor"),
    "fields": _("fields"),
    "jobs": _("jobs"),
    "key": _("key"),
    "list": _("list"),
    "logs_in": _("logs in"),
    "marketplace": _("marketplace"),
    "new": _("new"),
    "off": _("off"),
    "people": _("people"),
    "reason": _("reason"),
    "removed": _("removed"),
    "resources": _("resources"),
    "review": _("review"),
    "role": _("role"),
    "rows": _("rows"),
    "sessions": _("sessions"),
    "state": _("state"),
    "through": _("through"),
    "values": _("values"),
    "why": _("why"),
}
CODES = {
    # roles
    "owner": _("owner"),
    "dispatcher": _("dispatcher"),
    "technician": _("technician"),
    "auditor": _("auditor"),
    # changes
    "added": _("added"),
    "changed": _("changed"),
    "described": _("described"),
    "moved": _("moved"),
    "removed": _("removed"),
    "reset": _("reset"),
    "set": _("set"),
    # second factors
    "recovery_codes": _("recovery codes"),
    "totp": _("totp"),
    "webauthn": _("webauthn"),
    # why sessions ended, and what was erased
    "idle": _("idle"),
    "shift_over": _("shift over"),
    "by_themselves": _("by themselves"),
    "by_an_owner": _("by an owner"),
    "buyers": _("buyers"),
    "jobs": _("jobs"),
    "seller": _("seller"),
    # states of a connection
    "new": _("new"),
    "connected": _("connected"),
    "revoked": _("revoked"),
    "wrong_secret": _("wrong secret"),
    "no_role": _("no role"),
    "disconnected": _("disconnected"),
    # lists of reasons
    "cancel": _("cancel"),
    "reschedule": _("reschedule"),
    # fields of settings and of sellers
    "name": _("name"),
    "time_zone": _("time zone"),
    "theme": _("theme"),
    "shortcuts": _("shortcuts"),
    "marketplace_id": _("marketplace id"),
    "application_id": _("application id"),
    "sync_since": _("sync since"),
    "client_id": _("client id"),
    "client_secret": _("client secret"),
    "refresh_token": _("refresh token"),
    # alarms
    "volume": _("volume"),
    "failures": _("failures"),
    "many_failures": _("many failures"),
    "amazon_refuses": _("amazon refuses"),
    "secret_expires": _("secret expires"),
    "authorisation_expires": _("authorisation expires"),
    "log_broken": _("log broken"),
    # exports
    "appointments": _("appointments"),
    "activity": _("activity"),
    "access_review": _("access review"),
}
DATA = ("reason", "resources", "marketplace", "key")
"""The parts of a detail whose values are Amazon's or a person's, and are shown as they are."""


def in_words(row: Activity) -> str:
    """Return a row's detail for people: "Reschedule · Accepted", "20 of jobs · buyer data"."""
    detail = dict(row.detail)
    if row.kind == Activity.Kind.WRITE:
        said = [
            _kind_label(detail.get("write")),
            _state_label(detail.get("state")),
            *detail.get("errors", ()),
            *detail.get("warnings", ()),
        ]
    elif row.kind == Activity.Kind.EXPORTED:
        said = [_exported(detail), gettext("buyer data") if detail.get("buyers") else ""]
    else:
        said = [_part(name, value) for name, value in sorted(detail.items())]
    return " · ".join(filter(None, said))


def _exported(detail: dict[str, Any]) -> str:
    rows = int(detail.get("rows", 0))
    count = number_format(rows, force_grouping=True)
    what = _plain(detail.get("what", ""))
    return gettext("%(count)s of %(what)s") % {"count": count, "what": what}


def _part(name: str, value: Any) -> str:
    label = str(NAMES.get(name, name.replace("_", " ")))
    return f"{label}: {value if name in DATA and isinstance(value, str) else _plain(value)}"


def _kind_label(name: Any) -> str:
    return str(KINDS[name].label) if name in KINDS else str(name if name is not None else "")


def _state_label(value: Any) -> str:
    states = Action.State
    return str(states(value).label) if value in states.values else str(value or "")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return (
        _kind_label(value)
        if value in KINDS and value not in CODES
        else str(CODES.get(value, value))
    )
