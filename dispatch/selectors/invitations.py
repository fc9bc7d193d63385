"""Invitations that can still be accepted: the open ones."""

from __future__ import annotations

import hashlib

from django.db.models import QuerySet
from django.utils import timezone

from dispatch.models import Invitation, Person
from dispatch.selectors.sellers import owned_by


def still_open() -> QuerySet[Invitation]:
    """Return the invitations that are neither accepted nor withdrawn nor expired."""
    return Invitation.objects.filter(
        accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    )


def hash_of_token(token: str) -> str:
    """Return what is kept of a link's token, a SHA-256.

    The token is 256 random bits, so a slow hash as for passwords would add nothing.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_by_hash(token_hash: str) -> Invitation | None:
    """Return the open invitation whose link has this hash of its token, with seller and inviter."""
    found = still_open().filter(token_hash=token_hash)
    return found.select_related("seller", "invited_by").first()


def invitation_for(owner: Person, invitation_id: int) -> Invitation | None:
    """Return the open invitation with this id, if it is to one of the owner's sellers."""
    return still_open().filter(pk=invitation_id, seller__in=owned_by(owner)).first()
