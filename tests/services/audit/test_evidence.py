"""Whoever touches the log of activity is found out, and where."""

from __future__ import annotations

import datetime as dt
import logging
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import F

from dispatch.models import Activity, ActivityHead
from dispatch.services.audit import evidence
from dispatch.services.audit.activity import Kind, record
from dispatch.services.audit.evidence import Broken, prune, verify
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def ten(db: None) -> None:
    """Ten rows, one a day."""
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(10):
            record(Kind.PRUNED, rows=number)
            clock.shift(dt.timedelta(days=1))


def take(number: int) -> Activity:
    return Activity.objects.get(number=number)


def test_an_untouched_log_is_whole() -> None:
    proof = verify()
    assert proof.rows == 10
    assert proof.head == f"10:{take(10).hash}"


@pytest.mark.parametrize("rows_at_once", [1, 3, 10, 11])
def test_it_is_whole_however_it_is_read(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "ROWS_AT_ONCE", rows_at_once)
    assert verify().rows == 10
    Activity.objects.filter(number=7).delete()
    with pytest.raises(Broken, match="Row 7 is missing"):
        verify()


@pytest.mark.parametrize("number", [1, 5, 10])
@pytest.mark.parametrize(
    "change",
    [
        {"at": NOW - dt.timedelta(microseconds=1)},
        {"kind": "log_in"},
        {"person_id": 7},
        {"person_email": "x@dispatch.example"},
        {"seller_id": "00000000-0000-0000-0000-000000000001"},
        {"seller_name": "x"},
        {"subject": "x"},
        {"origin": "203.0.113.0/24"},
        {"detail": {"rows": 99}},
        {"detail": {}},
        {"hash": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_is_found(number: int, change: dict[str, object]) -> None:
    Activity.objects.filter(number=number).update(**change)
    with pytest.raises(Broken, match=f"Row {number} is not the one"):
        verify()


@pytest.mark.parametrize("number", [1, 5])
def test_a_removed_row_is_found(number: int) -> None:
    Activity.objects.filter(number=number).delete()
    with pytest.raises(Broken, match=f"Row {number} is missing"):
        verify()


@pytest.mark.parametrize("number", [2, 10])
def test_newest_rows_that_were_removed_are_found(number: int) -> None:
    Activity.objects.filter(number__gte=number).delete()
    with pytest.raises(Broken, match=f"Row {number} is missing: the newest rows"):
        verify()


def test_a_log_that_was_emptied_is_found() -> None:
    Activity.objects.all().delete()
    with pytest.raises(Broken, match="Row 1 is missing"):
        verify()


def test_a_gap_that_was_closed_is_found() -> None:
    Activity.objects.filter(number=5).delete()
    for number in range(6, 11):
        Activity.objects.filter(number=number).update(number=number - 1)
    with pytest.raises(Broken, match="Row 5 is not the one"):
        verify()


def test_an_inserted_row_is_found() -> None:
    forged = take(10)
    forged.pk = 11
    forged.save(force_insert=True)
    with pytest.raises(Broken, match="Row 11 "):
        verify()


def test_a_row_inserted_before_the_first_is_found() -> None:
    forged = take(10)
    forged.pk = 0
    forged.save(force_insert=True)
    with pytest.raises(Broken, match="rows before row 1"):
        verify()


def test_a_row_with_a_hash_of_another_key_is_found() -> None:
    from dispatch.models.activity import COLUMNS, new_key, row_hash

    forged = Activity(number=11, at=NOW, kind="log_in", detail={})
    values = tuple(getattr(forged, name) for name in COLUMNS)
    forged.hash = row_hash(new_key(), take(10).hash, values)
    forged.save(force_insert=True)
    ActivityHead.objects.update(number=11, hash=forged.hash)
    with pytest.raises(Broken, match="head of the log was changed"):
        verify()


def test_swapped_rows_are_found() -> None:
    fourth, fifth = take(4), take(5)
    fourth.pk, fifth.pk = 5, 4
    fourth.save()
    fifth.save()
    with pytest.raises(Broken, match="Row 4 is not the one"):
        verify()


@pytest.mark.parametrize("change", [{"number": 9}, {"hash": "1" * 64}, {"anchor_number": 2}])
def test_a_changed_head_is_found(change: dict[str, object]) -> None:
    ActivityHead.objects.update(**change)
    with pytest.raises(Broken, match="head of the log was changed"):
        verify()


def test_a_head_cut_back_together_with_the_rows_is_found() -> None:
    ActivityHead.objects.update(number=F("number") - 1, hash=take(9).hash)
    Activity.objects.filter(number=10).delete()
    with pytest.raises(Broken, match="head of the log was changed"):
        verify()


def test_a_head_put_back_without_its_rows_is_found() -> None:
    earlier = ActivityHead.objects.values("number", "hash", "seal").get()
    record(Kind.PRUNED, rows=1)
    ActivityHead.objects.update(**earlier)
    with pytest.raises(Broken, match="Row 11 lies beyond the end"):
        verify()


def test_a_removed_head_is_found_and_stays_found() -> None:
    ActivityHead.objects.all().delete()
    with pytest.raises(Broken, match="head of the log is missing"):
        verify()
    record(Kind.PRUNED, rows=1)
    with pytest.raises(Broken, match="rows before row 11"):
        verify()


def test_a_key_that_does_not_open_is_found() -> None:
    head = ActivityHead.objects.get()
    raw = head.__dict__["key"]
    with pytest.raises(Broken, match="key does not open"):
        _with_key(raw[:-4] + "AAAA")


def _with_key(raw: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_activityhead SET key = %s", [raw])
    verify()


def test_other_field_keys_break_nothing_while_they_open_the_old(settings: object) -> None:
    keys = settings.FIELD_KEYS  # type: ignore[attr-defined]
    settings.FIELD_KEYS = (b"n" * 32, *keys)  # type: ignore[attr-defined]
    record(Kind.KEY_ROTATED, values=1)
    head = ActivityHead.objects.get()
    assert head.key
    head.save(update_fields=["key"])
    settings.FIELD_KEYS = (b"n" * 32,)  # type: ignore[attr-defined]
    assert verify().rows == 11


# --- A head that somebody kept ----------------------------------------------------------------


def test_a_head_that_was_kept_is_still_in_the_chain() -> None:
    kept = verify().head
    record(Kind.PRUNED, rows=1)
    assert verify(kept).rows == 11


def test_a_log_put_back_to_an_earlier_state_is_found_with_a_kept_head() -> None:
    earlier = ActivityHead.objects.values().get()
    record(Kind.PRUNED, rows=1)
    kept = verify().head
    Activity.objects.filter(number=11).delete()
    ActivityHead.objects.filter(pk=1).update(**{k: earlier[k] for k in ("number", "hash", "seal")})
    assert verify().rows == 10
    with pytest.raises(Broken, match="Row 11 was there once"):
        verify(kept)


def test_a_log_begun_anew_is_found_with_a_kept_head() -> None:
    kept = verify().head
    Activity.objects.all().delete()
    ActivityHead.objects.all().delete()
    with pytest.raises(Broken, match="head of the log is missing"):
        verify(kept)
    for _ in range(11):
        record(Kind.PRUNED, rows=1)
    assert verify().rows == 11
    with pytest.raises(Broken, match="Row 10 is not the one of the head"):
        verify(kept)


@pytest.mark.parametrize("text", ["x", "10", "10:abc", ":" + "0" * 64, "-1:" + "0" * 64])
def test_what_is_no_head_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Broken, match="A head is"):
        verify(text)


# --- Letting go -------------------------------------------------------------------------------


def test_old_rows_go_and_the_rest_still_verifies() -> None:
    kept = verify().head
    now = NOW + evidence.KEPT + dt.timedelta(days=4)
    with time_machine.travel(now, tick=False):
        assert prune(now) == 4
    assert list(Activity.objects.order_by("number").values_list("number", flat=True)) == [
        5, 6, 7, 8, 9, 10, 11,
    ]  # fmt: skip
    assert verify().rows == 7
    assert verify(kept).rows == 7
    assert take(11).detail == {"rows": 4, "through": 4}


def test_more_than_was_pruned_is_still_found() -> None:
    prune(NOW + evidence.KEPT + dt.timedelta(days=4))
    Activity.objects.filter(number=5).delete()
    with pytest.raises(Broken, match="Row 5 is missing"):
        verify()


def test_a_pruned_row_that_comes_back_is_found() -> None:
    back = take(4)
    prune(NOW + evidence.KEPT + dt.timedelta(days=4))
    back.save(force_insert=True)
    with pytest.raises(Broken, match="rows before row 5"):
        verify()


def test_nothing_is_pruned_twice_or_early() -> None:
    assert prune(NOW + evidence.KEPT) == 0
    assert Activity.objects.count() == 10
    later = NOW + evidence.KEPT + dt.timedelta(days=30)
    with time_machine.travel(later, tick=False):
        assert prune(later) == 10
        assert prune(later) == 0
    assert verify().rows == 1


def test_a_row_behind_a_clock_that_was_ahead_is_kept() -> None:
    with time_machine.travel(NOW - dt.timedelta(days=9), tick=False):
        record(Kind.PRUNED, rows=1)
    prune(NOW + evidence.KEPT + dt.timedelta(days=2))
    assert Activity.objects.filter(number=11).exists()
    assert verify().rows == 10


def test_an_older_head_than_is_kept_is_said_to_be_so() -> None:
    kept = f"2:{take(2).hash}"
    assert verify(kept).rows == 10
    prune(NOW + evidence.KEPT + dt.timedelta(days=4))
    with pytest.raises(Broken, match="older than what is kept"):
        verify(kept)
    assert verify(f"4:{ActivityHead.objects.get().anchor_hash}").rows == 7
    with pytest.raises(Broken, match="Row 4 is not the one of the head"):
        verify("4:" + "1" * 64)


# --- The command ------------------------------------------------------------------------------


def test_the_command_prints_the_head() -> None:
    out = StringIO()
    call_command("verify_activity", stdout=out)
    assert "10 rows, all as they were written." in out.getvalue()
    assert f"10:{take(10).hash}" in out.getvalue()


def test_the_command_fails_with_the_first_wrong_row() -> None:
    Activity.objects.filter(number__in=(3, 6)).update(subject="x")
    with pytest.raises(CommandError, match="Row 3 is not the one") as caught:
        call_command("verify_activity")
    assert caught.value.returncode == 1


def test_an_empty_log_is_whole() -> None:
    Activity.objects.all().delete()
    ActivityHead.objects.all().delete()
    assert verify().rows == 0


def test_the_head_is_told_to_the_host(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    evidence.note_head()
    assert f"activity head=10:{take(10).hash}" in caplog.text
