"""What owners read for the access review: everybody's access, and the reviews so far."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Max, QuerySet
from django.utils import timezone

from dispatch.models import AccessReview, Membership, Person, ReviewedAccess, Seller
from dispatch.selectors.people import memberships_of, second_factors
from dispatch.selectors.sellers import owned_by

REVIEWED_EVERY = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Access:
    """What one person may do for a seller, with what a reviewer needs to know of them."""

    membership: Membership
    second_factor: str
    """Such as "Authenticator app, Passkey"; empty for none."""
    reviewed_at: dt.datetime | None


def access_of_everybody(seller: Seller) -> list[Access]:
    """Return the access of everybody who belongs to a seller, by name."""
    memberships = list(memberships_of(seller))
    people = [membership.person_id for membership in memberships]
    factors = second_factors(people)
    reviewed = dict(
        ReviewedAccess.objects.filter(review__seller=seller, person__in=people)
        .values_list("person")
        .annotate(Max("review__signed_at"))
    )
    return [Access(m, factors.get(m.person_id, ""), reviewed.get(m.person_id)) for m in memberships]


def reviews_of(seller: Seller) -> QuerySet[AccessReview]:
    """Return the signed reviews of a seller, the latest first."""
    return AccessReview.objects.filter(seller=seller).order_by("-signed_at", "-pk")


def review_for(owner: Person, review_id: int) -> AccessReview | None:
    """Return the review with this id, if it is of one of the owner's sellers."""
    found = AccessReview.objects.filter(pk=review_id, seller__in=owned_by(owner))
    return found.select_related("seller").first()


def review_is_due(last: dt.datetime | None) -> bool:
    """Return True when a seller was last reviewed more than 90 days ago, or never."""
    return last is None or timezone.now() - last > REVIEWED_EVERY
