"""What is sealed opens only where it belongs, and shows nothing of itself."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import pickle
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from dispatch.models import Person, Seller, ServiceJob
from dispatch.models.fields import Sealed
from dispatch.models.keyring import SealBroken

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NEW_KEY = b"another key of exactly 32 bytes!"
BUYER = {"name": "Jordan Exämple", "phone": "+1 614 555 0142", "address": {"city": "Dublin"}}


def raw(table: str, column: str) -> list[Any]:
    """A column as it stands in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def mirrored(seller: Seller, number: int = 1, **fields: Any) -> ServiceJob:
    now = timezone.now()
    return ServiceJob(
        seller=seller,
        service_job_id=f"JOB-{number:04}",
        digest="",
        fetched_at=now,
        changed_at=now,
        **{"buyer": BUYER, **fields},
    )


@pytest.fixture
def other(alice: Person) -> Seller:
    return Seller.objects.create(
        owner=alice, name="Second", marketplace_id="A1PA6795UKMFR9", refresh_token="Atzr|second"
    )


def test_a_sealed_value_comes_back_as_it_was_put_in(seller: Seller) -> None:
    found = Seller.objects.get(pk=seller.pk)
    assert found.refresh_token == "Atzr|sandbox"
    assert found.client_secret == "sandbox-secret"


def test_the_column_holds_no_clear_text(seller: Seller) -> None:
    mirrored(seller).save()
    kept = raw("dispatch_seller", "refresh_token") + raw("dispatch_servicejob", "buyer")
    assert all(value.startswith("v1.") for value in kept)
    for word in ("Atzr", "sandbox", "Jordan", "0142", "Dublin"):
        for form in (word, base64.b64encode(word.encode()).decode()[:-2]):
            assert not any(form in value for value in kept)


def test_equal_values_are_sealed_differently(seller: Seller) -> None:
    mirrored(seller, 1).save()
    mirrored(seller, 2).save()
    first, second = raw("dispatch_servicejob", "buyer")
    assert first != second


@pytest.mark.parametrize(
    "value", ["", "x", "ß – 漢字 😀", "a\0b", "y" * 100_000, "v1.looks.sealed"]
)
def test_any_text_survives(seller: Seller, value: str) -> None:
    seller.refresh_token = value
    seller.save()
    assert Seller.objects.get(pk=seller.pk).refresh_token == value


@pytest.mark.parametrize(
    "value", [{}, {"a": None}, {"n": 2**80}, {"t": "\0"}, {"deep": [[[["x"]]]]}, {"s": "\ud800"}]
)
def test_any_json_survives(seller: Seller, value: Any) -> None:
    mirrored(seller, buyer=value).save()
    assert ServiceJob.objects.get().buyer == value


def test_a_deferred_value_is_read_when_it_is_asked_for(seller: Seller) -> None:
    for found in (
        Seller.objects.defer("refresh_token").get(pk=seller.pk),
        Seller.objects.only("name").get(pk=seller.pk),
    ):
        assert "refresh_token" not in found.__dict__
        assert found.refresh_token == "Atzr|sandbox"


def test_nothing_is_opened_before_it_is_asked_for(seller: Seller) -> None:
    found = Seller.objects.get(pk=seller.pk)
    assert isinstance(found.__dict__["refresh_token"], Sealed)
    found.name = "Renamed"
    before = raw("dispatch_seller", "refresh_token")
    found.save()
    assert raw("dispatch_seller", "refresh_token") == before


def test_bulk_create_seals(seller: Seller) -> None:
    ServiceJob.objects.bulk_create([mirrored(seller, number) for number in (1, 2)])
    assert all(value.startswith("v1.") for value in raw("dispatch_servicejob", "buyer"))
    assert [job.buyer for job in ServiceJob.objects.all()] == [BUYER, BUYER]


def test_refresh_from_db_reads_the_present_value(seller: Seller) -> None:
    mine, theirs = Seller.objects.get(pk=seller.pk), Seller.objects.get(pk=seller.pk)
    assert mine.refresh_token == "Atzr|sandbox"
    theirs.refresh_token = "Atzr|later"
    theirs.save()
    mine.refresh_from_db()
    assert mine.refresh_token == "Atzr|later"


def test_a_value_of_another_row_does_not_open(seller: Seller, other: Seller) -> None:
    stolen = Seller.objects.filter(pk=seller.pk).values_list("refresh_token", flat=True).get()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_seller SET refresh_token = %s", [str(stolen)])
    assert Seller.objects.get(pk=seller.pk).refresh_token == "Atzr|sandbox"
    with pytest.raises(SealBroken):
        _ = Seller.objects.get(pk=other.pk).refresh_token


def test_a_value_of_another_field_does_not_open(seller: Seller) -> None:
    run("UPDATE dispatch_seller SET refresh_token = client_secret")
    with pytest.raises(SealBroken):
        _ = Seller.objects.get(pk=seller.pk).refresh_token


def test_a_copy_of_the_row_does_not_take_its_secrets_along(seller: Seller, other: Seller) -> None:
    found = Seller.objects.get(pk=seller.pk)
    found.pk = other.pk
    found.save()
    with pytest.raises(SealBroken):
        _ = Seller.objects.get(pk=other.pk).refresh_token


@pytest.mark.parametrize(
    "value",
    ["clear text", "v1.x", "v2.a.b", "v1.00000000.AAAA", "v1..", "v1.a.é", "...", "v1.a.b.c"],
)
def test_what_was_never_sealed_does_not_open(seller: Seller, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_seller SET refresh_token = %s", [value])
    with pytest.raises(SealBroken):
        _ = Seller.objects.get(pk=seller.pk).refresh_token


def test_a_changed_value_does_not_open(seller: Seller) -> None:
    version, key, body = raw("dispatch_seller", "refresh_token")[0].split(".")
    changed = ("B" if body[0] == "A" else "A") + body[1:]
    run(f"UPDATE dispatch_seller SET refresh_token = '{version}.{key}.{changed}'")
    with pytest.raises(SealBroken):
        _ = Seller.objects.get(pk=seller.pk).refresh_token


def test_a_wrong_key_does_not_open(seller: Seller, settings: Any) -> None:
    settings.FIELD_KEYS = (NEW_KEY,)
    with pytest.raises(SealBroken) as broken:
        _ = Seller.objects.get(pk=seller.pk).refresh_token
    assert "Seller.refresh_token" in str(broken.value)
    assert str(seller.pk) not in str(broken.value)
    assert broken.value.__cause__ is None


def test_a_key_put_in_front_seals_anew_and_the_old_one_still_opens(
    seller: Seller, settings: Any
) -> None:
    before = raw("dispatch_seller", "refresh_token")[0]
    settings.FIELD_KEYS = (NEW_KEY, *settings.FIELD_KEYS)
    found = Seller.objects.get(pk=seller.pk)
    assert found.refresh_token == "Atzr|sandbox"
    found.save()
    after = raw("dispatch_seller", "refresh_token")[0]
    assert before.split(".")[1] != after.split(".")[1]
    settings.FIELD_KEYS = (NEW_KEY,)
    assert Seller.objects.get(pk=seller.pk).refresh_token == "Atzr|sandbox"


def test_writing_past_the_instance_is_refused(seller: Seller) -> None:
    with pytest.raises(TypeError, match="sealed"), transaction.atomic():
        Seller.objects.update(refresh_token="clear")
    with pytest.raises(TypeError, match="sealed"), transaction.atomic():
        Seller.objects.bulk_update([seller], ["refresh_token"])
    assert Seller.objects.get(pk=seller.pk).refresh_token == "Atzr|sandbox"


@pytest.mark.parametrize(
    "lookup",
    ["", "__exact", "__iexact", "__contains", "__icontains", "__startswith", "__regex", "__gt"],
)
def test_looking_up_by_value_is_refused(seller: Seller, lookup: str) -> None:
    with pytest.raises(TypeError, match="sealed"):
        Seller.objects.filter(**{f"refresh_token{lookup}": "Atzr|sandbox"}).exists()


def test_looking_up_among_values_is_refused(seller: Seller) -> None:
    with pytest.raises(TypeError, match="sealed"):
        Seller.objects.filter(refresh_token__in=["Atzr|sandbox"]).exists()


def test_whether_there_is_a_value_can_be_asked(seller: Seller, other: Seller) -> None:
    assert list(Seller.objects.filter(client_secret="")) == [other]
    assert Seller.objects.filter(refresh_token__isnull=False).count() == 2


def test_nothing_sealed_shows_in_a_repr(seller: Seller) -> None:
    found = Seller.objects.get(pk=seller.pk)
    assert "v1." not in repr(found.__dict__)
    assert repr(found.__dict__["refresh_token"]) == "<sealed>"
    assert "Atzr" not in repr(found) + str(found)


def test_copies_of_an_instance_open(seller: Seller) -> None:
    found = Seller.objects.get(pk=seller.pk)
    pickled = pickle.loads(pickle.dumps(found))  # noqa: S301
    for copied in (copy.copy(found), copy.deepcopy(found), pickled):
        assert copied.refresh_token == "Atzr|sandbox"


def test_nothing_is_sealed_for_nobody(alice: Person) -> None:
    job = ServiceJob(service_job_id="JOB-1", buyer=BUYER, digest="")
    job.fetched_at = job.changed_at = dt.datetime.now(dt.UTC)
    with pytest.raises(ValueError, match="cannot be sealed before"):
        job.save()


def test_a_value_sealed_for_a_row_is_what_saving_would_have_made(seller: Seller) -> None:
    job = mirrored(seller)
    field: Any = ServiceJob._meta.get_field("buyer")
    owner = f"{seller.pk}:{job.service_job_id}"
    sealed = field.seal(field.encode(BUYER), owner)
    assert field.place(job) == field.place_of(owner)
    assert field.unseal(sealed, job) == BUYER
