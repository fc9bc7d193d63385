"""Which writes are open to whom, for a job as it is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from dispatch.models import Person, Seller, ServiceJob
from dispatch.selectors.access import Role, role_for
from dispatch.services.writes.kind import Kind, Words
from dispatch.services.writes.kinds import KINDS

SWITCHED_OFF = _("Switched off for this seller: not agreed with Amazon.")
NOT_YOURS = _("Your role does not allow this.")


class NotAllowed(Exception):
    """This write is not open to this person for this seller; the text says why."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A write that a page may offer; ``why_not`` explains one that is switched off."""

    kind: Kind
    why_not: Words = ""


def choices(
    job: ServiceJob, role: Role | None, among: Iterable[Kind] | None = None
) -> list[Choice]:
    """Return the writes that fit the job and the role, switched-off ones with their reason.

    ``among`` are the kinds that the page has forms for; without it, all of them.
    """
    off = set(job.seller.switched_off)
    return [
        Choice(kind, SWITCHED_OFF if kind.name in off else "")
        for kind in (KINDS.values() if among is None else among)
        if role in kind.roles and kind.fits(job)
    ]


def require(person: Person, seller: Seller, kind: Kind) -> None:
    """Raise `NotAllowed` unless this person may do this for this seller.

    The state of a job is not asked here: the mirror may be seconds old, and Amazon decides.
    """
    if role_for(person, seller) not in kind.roles:
        raise NotAllowed(NOT_YOURS)
    if kind.name in seller.switched_off:
        raise NotAllowed(SWITCHED_OFF)


def switched_on(seller: Seller) -> list[str]:
    """Return the names of the kinds that the seller has agreed with Amazon."""
    return [name for name in KINDS if name not in seller.switched_off]
