"""The quarterly access review: an owner looks at everybody, keeps or removes each, and signs."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dispatch.models import AccessReview, Person, ReviewedAccess, Seller
from dispatch.services.access import people
from dispatch.services.audit import activity
from dispatch.services.audit.exports import Row, inert, recorded
from dispatch.services.errors import CannotBeDone

if TYPE_CHECKING:
    from dispatch.selectors.reviews import Access

Decision = ReviewedAccess.Decision
COLUMNS = (
    _("Signed (UTC)"), _("Signed by"), _("Seller"), _("Name"), _("E-mail"), _("Role"),
    _("Last log-in (UTC)"), _("Second factor"), _("Decision"),
)  # fmt: skip


@transaction.atomic
def sign(
    *, seller: Seller, reviewer: Person, everybody: list[Access], decisions: Mapping[int, Decision]
) -> AccessReview:
    """Keep a review as evidence and remove the people it says, in one transaction.

    ``decisions`` are by membership id, one for everybody. Raises `CannotBeDone` where somebody was
    not looked at, and where the last owner would go.
    """
    if {access.membership.pk for access in everybody} != set(decisions):
        raise CannotBeDone(
            gettext("The people of this seller have changed. Please look at everybody again.")
        )
    review = AccessReview.objects.create(
        seller=seller, reviewer=reviewer, reviewer_name=reviewer.name or reviewer.email
    )
    ReviewedAccess.objects.bulk_create(
        _evidence(review, access, decisions[access.membership.pk]) for access in everybody
    )
    for access in everybody:
        if decisions[access.membership.pk] == Decision.REMOVE:
            people.remove(membership=access.membership)
    activity.record(
        activity.Kind.REVIEW_SIGNED,
        person=reviewer,
        seller=seller,
        review=review.pk,
        people=len(everybody),
        removed=sum(decision == Decision.REMOVE for decision in decisions.values()),
    )
    return review


def _evidence(review: AccessReview, access: Access, decision: Decision) -> ReviewedAccess:
    membership = access.membership
    return ReviewedAccess(
        review=review,
        person=membership.person,
        name=membership.person.name,
        email=membership.person.email,
        role=membership.role,
        last_login=membership.person.last_login,
        second_factor=access.second_factor,
        decision=decision,
    )


def rows(review: AccessReview, *, person: Person) -> Generator[Row, None, None]:
    """Return a CSV file's rows: a heading, then one for each person of the review.

    The export is recorded in the log when the last row is taken.
    """
    return _rows(review, person, activity.asking())


def _rows(
    review: AccessReview, person: Person, asked: activity.Asking
) -> Generator[Row, None, None]:
    yield tuple(map(str, COLUMNS))
    with recorded(person, "access_review", asked) as count:
        for row in review.rows.order_by("name", "pk"):
            count[review.seller] += 1
            cells = (
                review.signed_at.isoformat(), review.reviewer_name, review.seller.name, row.name,
                row.email, row.get_role_display(),
                row.last_login.isoformat() if row.last_login else gettext("never"),
                row.second_factor or gettext("none"), row.get_decision_display(),
            )  # fmt: skip
            yield tuple(map(inert, cells))
