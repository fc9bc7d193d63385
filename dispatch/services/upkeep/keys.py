"""Seals everything again under a new key: put it first in ``FIELD_KEYS``, then call `rotate`.

A sealed value tells by which key it was sealed, so a rotation may stop anywhere and go on later.
The program runs on meanwhile: it opens with every key and seals with the first. The old key can be
taken out when `left` is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import groupby
from operator import attrgetter, or_
from typing import Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Substr

from dispatch.models import ServiceJob
from dispatch.models.fields import SealedTextField
from dispatch.models.keyring import keyring
from dispatch.services.access import second_factors
from dispatch.services.audit import activity
from dispatch.services.mirror import rewrite

BATCH = 200
"""Rows that are written, and locked, at a time."""


def left() -> dict[str, int]:
    """Return how many rows are sealed by an older key, by the name of each model that has any."""
    counts = {model.__name__: _old(model).count() for model in sealed_models()}
    counts["Authenticator"] = len(second_factors.under_older_keys())
    return {name: count for name, count in counts.items() if count}


def rotate(tell: Callable[[str, int], None] = lambda name, rows: None) -> int:
    """Seal everything again with the first key; returns how many rows were written.

    ``tell`` hears of every batch: the model's name and how many rows. Raises `SealBroken` where a
    value opens with none of the keys; what was done until then stays done.
    """
    done = 0
    for model in sealed_models():
        while rows := list(_old(model)[:BATCH]):
            _seal_again(rows)
            done += len(rows)
            tell(model.__name__, len(rows))
    if rows_written := second_factors.seal_again():
        done += rows_written
        tell("Authenticator", rows_written)
    if done:
        activity.record(activity.Kind.KEY_ROTATED, key=keyring().sealing, values=done)
    return done


def sealed_models() -> list[type[models.Model]]:
    """Return every model that has a sealed field."""
    return [model for model in apps.get_models() if _sealed(model)]


def _sealed(model: type[models.Model]) -> list[SealedTextField]:
    return [field for field in model._meta.fields if isinstance(field, SealedTextField)]


def _old(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the rows with a value that is sealed by another key than the first."""
    mark = keyring().mark
    rows = model._default_manager.order_by("pk")
    older = []
    for field in _sealed(model):
        begin = f"{field.name}_begin"
        rows = rows.alias(**{begin: Substr(field.name, 1, len(mark))})
        older.append(~Q(**{begin: mark}) & ~Q(**{begin: ""}) & Q(**{f"{begin}__isnull": False}))
    return rows.filter(reduce(or_, older))


def _seal_again(rows: list[Any]) -> None:
    """Seal some rows of one model with the first key, in one transaction.

    Each row is read again under its lock: somebody may write it at the same time.
    """
    if isinstance(rows[0], ServiceJob):
        of_seller = sorted(rows, key=attrgetter("seller_id"))
        for _, jobs in groupby(of_seller, key=attrgetter("seller_id")):
            some = list(jobs)
            rewrite.reseal(some[0].seller, [job.pk for job in some])
        return
    model = type(rows[0])
    names = [field.name for field in _sealed(model)]
    with transaction.atomic():
        held = model._default_manager.select_for_update()
        for row in held.filter(pk__in=[row.pk for row in rows]):
            for name in names:
                getattr(row, name)  # Opened here, sealed by the first key when it is saved.
            row.save(update_fields=names)
