"""Rows as they stand in the database, and sums that prove two tables equal."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Person, Seller, ServiceJob, Technician
from dispatch.services.upkeep.moving_rows import Sum, Table, owned_tables, rows, sum_of

ZONE = dt.timezone(dt.timedelta(hours=5, minutes=30))
NOON = dt.datetime(2026, 11, 24, 12, 0, 0, 7, tzinfo=dt.UTC)


def of(*values: Any, json_at: tuple[int, ...] = ()) -> Sum:
    return sum_of([values], json_at)


# --- Sums -------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(), st.text(max_size=3) | st.none())), st.randoms())
def test_the_order_of_the_rows_does_not_matter(found: list[Any], shuffler: Any) -> None:
    other = list(found)
    shuffler.shuffle(other)
    assert sum_of(found) == sum_of(other)


@given(st.tuples(st.integers(), st.text() | st.none()), st.tuples(st.integers(), st.text()))
def test_different_rows_have_different_sums(one: Any, other: Any) -> None:
    assert (sum_of([one]) == sum_of([other])) == (one == other)


def test_a_row_twice_is_not_a_row_never() -> None:
    assert sum_of([]) == Sum(0, "0" * 32)
    assert len({sum_of([(1,)] * times).checksum for times in range(5)}) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((None,), ("",)),
        ((0,), ("0",)),
        ((0,), (None,)),
        (("a", "b"), ("a, b", "")),
        ((1, 2), (2, 1)),
        ((0.1,), (0.1 + 2**-55,)),
        ((NOON,), (NOON + dt.timedelta(microseconds=1),)),
        ((b"a",), ("a",)),
    ],
)
def test_near_misses_differ(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert sum_of([one]) != sum_of([other])


def test_a_sum_has_the_full_width_of_its_hash() -> None:
    assert int(of(1).checksum, 16) > 2**112
    assert len(sum_of((n,) for n in range(5000)).checksum) == 32


def test_values_swapped_between_rows_differ() -> None:
    assert sum_of([(1, "a"), (2, "b")]) != sum_of([(1, "b"), (2, "a")])


def test_what_drivers_show_differently_is_the_same() -> None:
    assert of(NOON) == of(NOON.astimezone(ZONE))
    assert of(memoryview(b"ab")) == of(b"ab")
    assert of(decimal.Decimal("1.50")) == of(decimal.Decimal("1.5"))
    assert of(uuid.UUID(int=7)) == of(uuid.UUID(int=7))
    assert of(NOON.date()) == of(dt.date(2026, 11, 24))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ("[1e2, 1.0, 15, 1e-2]", "[100, 1.0, 1.5e1, 0.01]"),
        ("[1E+400]", f"[1{'0' * 400}]"),
        ("[-0.0]", "[0.0]"),
        ('["\\u00e9"]', '["é"]'),
    ],
)
def test_json_may_be_spelled_differently(one: str, other: str) -> None:
    assert of(one, json_at=(0,)) == of(other, json_at=(0,))
    assert of(one) != of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[1]", '["1"]'),
        ("null", None),
        ("[true]", "[1]"),
        (f"[{2**80}]", f"[{2**80 + 1}]"),
        ("[1, 2]", "[2, 1]"),
        ('{"a": null}', "{}"),
    ],
)
def test_json_that_says_something_else_differs(one: str, other: str | None) -> None:
    assert of(one, json_at=(0,)) != of(other, json_at=(0,))


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
                    | st.integers() | st.text(), st.lists, max_leaves=8))  # fmt: skip
def test_any_json_is_equal_to_itself_with_spaces(value: Any) -> None:
    narrow = json.dumps(value, separators=(",", ":"))
    assert of(narrow, json_at=(0,)) == of(json.dumps(value, indent=2), json_at=(0,))


# --- Tables -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_table_of_the_database_is_owned_but_two() -> None:
    owned = [table.name for table in owned_tables()]
    assert len(owned) == len(set(owned))
    assert set(connection.introspection.table_names()) - set(owned) == {
        "dispatch_cache",
        "django_migrations",
    }


@pytest.mark.django_db
def test_every_column_of_every_table_is_read() -> None:
    with connection.cursor() as cursor:
        for table in owned_tables():
            described = connection.introspection.get_table_description(cursor, table.name)
            assert {f.column for f in table.fields} == {column.name for column in described}


@isolate_apps("dispatch")
def test_a_key_of_two_columns_and_a_computed_column_are_known() -> None:
    class Visit(models.Model):
        pk = models.CompositePrimaryKey("job", "number")
        job = models.BigIntegerField()
        number = models.IntegerField()
        double = models.GeneratedField(
            expression=models.F("number") * 2,
            output_field=models.IntegerField(),
            db_persist=True,
        )

        class Meta:
            app_label = "dispatch"

    table = Table(Visit)
    assert [field.column for field in table.fields] == ["job", "number"]
    assert table.key((8, 3)) == "job 8, number 3"


def test_a_key_that_is_text_is_not_shown() -> None:
    session = next(table for table in owned_tables() if table.name == "django_session")
    assert session.key(("secret", "data", NOON)) == "session_key …"


# --- Reading ----------------------------------------------------------------------------------


def read(model: type[models.Model]) -> dict[str, Any]:
    """The first row of a table, by column."""
    table = Table(model)
    columns = (field.column for field in table.fields)
    return dict(zip(columns, next(iter(rows(connection, table))), strict=True))


@pytest.mark.django_db
@pytest.mark.database
def test_values_are_those_of_python_and_sealed_ones_stay_sealed(seller: Seller) -> None:
    row = read(Seller)
    assert row["id"] == seller.pk
    assert row["created_at"] == seller.created_at
    assert row["synced_at"] is None
    assert row["refresh_token"].startswith("v1.")
    assert type(row["refresh_token"]) is str
    assert read(Technician)["skills"] == '["TV_MOUNTING"]'
    assert read(Technician)["seller_id"] == seller.pk
    assert read(Person)["is_active"] is True


@pytest.mark.django_db
@pytest.mark.database
def test_a_table_longer_than_one_fetch_is_read_to_its_end(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dispatch.services.upkeep.moving_rows.ROWS_AT_ONCE", 3)
    jobs = [
        ServiceJob(seller=seller, service_job_id=f"{n}", fetched_at=NOON, changed_at=NOON)
        for n in range(8)
    ]
    ServiceJob.objects.bulk_create(jobs)
    assert len(list(rows(connection, Table(ServiceJob)))) == 8
