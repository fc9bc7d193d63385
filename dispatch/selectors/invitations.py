"""Invitations that can still be accepted."""

from __future__ import annotations

import hashlib

from django.db.models import QuerySet
from django.utils import timezone

from dispatch.models import Invitation, Person
from dispatch.selectors.sellers import owned_by


def still_open() -> QuerySet[Invitation]:
    """The invitations that can be accepted now."""
    return Invitation.objects.filter(
        accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    )


def hash_of(token: str) -> str:
    """What is kept of a link's token. It is 256 random bits: nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def by_hash(token_hash: str) -> Invitation | None:
    """The open invitation of a link."""
    found = still_open().filter(token_hash=token_hash)
    return found.select_related("seller", "invited_by").first()


def invitation_for(owner: Person, invitation_id: int) -> Invitation | None:
    """An open invitation to one of the owner's sellers."""
    return still_open().filter(pk=invitation_id, seller__in=owned_by(owner)).first()
