"""One job with its parts and what was done to it."""

from __future__ import annotations

import uuid
from collections import defaultdict

from dispatch.models import Action, ReasonCode, ServiceJob


def history(job: ServiceJob) -> list[Action]:
    """Return every write to this job, the latest first."""
    return list(job.actions.select_related("person").order_by("-created_at"))


def action_of(job: ServiceJob, action_id: str) -> Action | None:
    """Return one write to this job by its id; None for anything else."""
    try:
        return job.actions.filter(pk=uuid.UUID(action_id)).first()
    except ValueError:
        return None


def references(job: ServiceJob) -> dict[str, list[str]]:
    """Return the job's references by kind, each kind in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for kind, value in job.references.order_by("value").values_list("kind", "value"):
        found[kind].append(value)
    return dict(found)


def times_accepted(job: ServiceJob, kind: str) -> int:
    """Return how often Amazon has accepted a kind of write to this job, as the ledger knows."""
    return job.actions.filter(
        kind=kind, state__in=(Action.State.ACCEPTED, Action.State.WARNED)
    ).count()


def reason_codes(job: ServiceJob, kind: ReasonCode.Kind) -> list[ReasonCode]:
    """Return the codes the owner keeps for this seller and the job's marketplace."""
    return list(
        ReasonCode.objects.filter(
            seller=job.seller,
            kind=kind,
            marketplace_id=job.marketplace_id or job.seller.marketplace_id,
        )
    )
