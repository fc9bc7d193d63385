"""What was recorded before there was a log of activity is its beginning."""

from __future__ import annotations

import datetime as dt
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from dispatch.models import Activity, ActivityHead, Person, Seller
from dispatch.services.audit import evidence
from dispatch.services.audit.activity import Kind, record
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.database]

migration = import_module("dispatch.migrations.0003_activity")


class Records(list[Any]):
    """The rows of the table that is gone, as the migration asks for them."""

    def using(self, alias: str) -> Records:
        assert alias == connection.alias
        return self

    def order_by(self, *_: str) -> Records:
        return self

    def select_related(self, *_: str) -> Records:
        return self

    def iterator(self, chunk_size: int) -> Records:
        return self


def move(*records: Any) -> None:
    models = {"Activity": Activity, "ActivityHead": ActivityHead}
    models["AccessRecord"] = SimpleNamespace(objects=Records(records))  # type: ignore[assignment]
    here = SimpleNamespace(connection=connection)
    migration.move_records(SimpleNamespace(get_model=lambda _, name: models[name]), here)


def an_export(person: Person | None, seller: Seller | None, **more: Any) -> Any:
    return SimpleNamespace(
        **{
            "at": NOW,
            "kind": "export",
            "person": person,
            "person_id": person and person.pk,
            "seller": seller,
            "seller_id": seller and seller.pk,
            "subject": "",
            "jobs": 7,
            **more,
        }
    )


def test_the_rows_move_into_the_chain_which_goes_on(bob: Person, seller: Seller) -> None:
    later = NOW + dt.timedelta(days=1)
    move(an_export(bob, seller), an_export(None, None, kind="open", subject="JOB-1", at=later))
    first, second = Activity.objects.order_by("number")
    assert (first.kind, first.at, first.person_email) == ("exported", NOW, bob.email)
    assert (first.seller_name, first.detail) == (seller.name, {"what": "jobs", "rows": 7})
    assert (second.kind, second.subject, second.detail) == ("buyer_data_opened", "JOB-1", {})
    record(Kind.LOG_IN, person=bob)
    assert evidence.verify().rows == 3


def test_more_than_one_batch_moves(bob: Person) -> None:
    move(*[an_export(bob, None) for _ in range(1001)])
    assert evidence.verify().rows == 1001


def test_nothing_to_move_leaves_nothing(db: None) -> None:
    move()
    assert not ActivityHead.objects.exists()
