"""Writes as tests make them: the module of a kind, and what a person would choose."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.writes import submitting


def write(
    kind: ModuleType,
    *,
    person: Person,
    job: ServiceJob | None = None,
    seller: Seller | None = None,
    key: uuid.UUID | None = None,
    how: Callable[..., Action] = submitting.carry_out,
    **chosen: Any,
) -> Action:
    """Carry out a write of one of `dispatch.services.writes.kinds` while the person waits."""
    about = job or seller
    assert about is not None
    return how(
        kind.KIND,
        person=person,
        about=about,
        key=key or uuid.uuid4(),
        payload=kind.KIND.build(**chosen),
        files=chosen.get("proofs", ()),
    )


def hand_over(kind: ModuleType, **asked: Any) -> Action:
    """Leave such a write to the worker."""
    return write(kind, how=submitting.take_in, **asked)
