"""Whoever was logged in before sessions became allauth's stays in, and stays listed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.conftest import NOW

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
BEFORE = ("dispatch", "0008_sorted_where_they_lie")
AFTER = ("dispatch", "0009_sessions_of_allauth")


@pytest.fixture
def before() -> Iterator[Any]:
    """The models as they were; afterwards the tables are as they were found."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate([BEFORE])
    yield executor.loader.project_state([BEFORE]).apps
    executor = MigrationExecutor(connection)
    executor.migrate(newest)


def test_every_session_is_listed_as_it_was(before: Any) -> None:
    person = get_user_model().objects.create_user("bob@dispatch.example", "x", name="Bob")
    since = NOW - dt.timedelta(hours=3)
    before.get_model("dispatch", "OpenSession").objects.create(
        person_id=person.pk, key="k" * 32, device="Firefox/140.0", since=since, seen_at=NOW
    )
    MigrationExecutor(connection).migrate([AFTER])
    row = apps.get_model("usersessions", "UserSession").objects.get()
    assert (row.user_id, row.session_key, row.user_agent) == (person.pk, "k" * 32, "Firefox/140.0")
    assert (row.created_at, row.last_seen_at) == (since, NOW)
