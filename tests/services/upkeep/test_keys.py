"""Rotation: everything under the new key, nothing lost, the program running meanwhile."""

from __future__ import annotations

import base64
import datetime as dt
import threading
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from dispatch.models import Activity, Person, Seller, ServiceJob
from dispatch.models.keyring import SealBroken
from dispatch.selectors.access import job_query_for
from dispatch.selectors.search import search
from dispatch.services.access import second_factors
from dispatch.services.mirror import store
from dispatch.services.upkeep import keys
from tests.conftest import MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
NEW = b"another key of exactly 32 bytes!"
COUNT = 25


@pytest.fixture
def old(settings: Any) -> bytes:
    key: bytes = settings.FIELD_KEYS[0]
    return key


@pytest.fixture
def jobs(seller: Seller, make_job: MakeJob) -> list[dict[str, Any]]:
    made = [make_job(f"JOB-{number:04}") for number in range(COUNT)]
    store.store(seller, made, fetched_at=timezone.now())
    return made


def begin(settings: Any, old: bytes) -> None:
    """The first step: the new key first, the old one still there."""
    settings.FIELD_KEYS = (NEW, old)


def finish(settings: Any) -> None:
    """The last step: the old key is gone."""
    settings.FIELD_KEYS = (NEW,)


def test_nothing_is_left_before_and_all_of_it_after_the_new_key_comes(
    seller: Seller, jobs: list[Any], settings: Any, old: bytes
) -> None:
    assert keys.left() == {}
    begin(settings, old)
    assert keys.left() == {"Seller": 1, "ServiceJob": COUNT}
    keys.rotate()
    logged = Activity.objects.get(kind="key_rotated")
    assert logged.detail["values"] == COUNT + 1


def test_all_opens_with_the_new_key_alone(
    seller: Seller, jobs: list[dict[str, Any]], settings: Any, old: bytes
) -> None:
    begin(settings, old)
    assert keys.rotate() == COUNT + 1
    assert keys.left() == {}
    finish(settings)
    assert Seller.objects.get().client_secret == "sandbox-secret"
    kept = {job.service_job_id: job.payload for job in ServiceJob.objects.all()}
    assert kept == {job["serviceJobId"]: job for job in jobs}
    assert ServiceJob.objects.all()[0].buyer_data["name"] == "Jordan Example"


def test_words_are_found_with_the_new_key_alone(
    seller: Seller, jobs: list[Any], settings: Any, old: bytes
) -> None:
    begin(settings, old)
    keys.rotate()
    finish(settings)
    found = search(job_query_for(seller.owner), "jordan")
    assert found.unordered().count() == COUNT


def test_an_unchanged_job_is_still_known_after_a_rotation(
    seller: Seller, jobs: list[dict[str, Any]], settings: Any, old: bytes
) -> None:
    begin(settings, old)
    keys.rotate()
    changed = ServiceJob.objects.values_list("changed_at", flat=True).first()
    assert store.store(seller, jobs, fetched_at=timezone.now()) == []
    assert ServiceJob.objects.values_list("changed_at", flat=True).first() == changed


def test_a_rotation_that_stopped_goes_on(
    seller: Seller, jobs: list[Any], settings: Any, old: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(settings, old)
    monkeypatch.setattr(keys, "BATCH", 10)

    def pull_the_plug(model: str, rows: int) -> None:
        if model == "ServiceJob":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keys.rotate(pull_the_plug)
    assert keys.left()["ServiceJob"] == COUNT - 10
    keys.rotate()
    assert keys.left() == {}


def test_a_value_that_no_key_opens_is_said_and_kept(
    seller: Seller, jobs: list[Any], settings: Any
) -> None:
    settings.FIELD_KEYS = (NEW,)
    with pytest.raises(SealBroken):
        keys.rotate()
    out = StringIO()
    with pytest.raises(CommandError, match="does not open"):
        call_command("rotate_keys", stdout=out)
    assert f"Left: {COUNT} of ServiceJob." in out.getvalue()


def test_the_command_says_what_is_left_and_a_dry_run_changes_nothing(
    seller: Seller, jobs: list[Any], settings: Any, old: bytes
) -> None:
    begin(settings, old)
    out = StringIO()
    call_command("rotate_keys", "--dry-run", stdout=out)
    assert f"Left: {COUNT} of ServiceJob." in out.getvalue()
    assert keys.left() != {}
    call_command("rotate_keys", stdout=out)
    assert "can be taken out of FIELD_KEYS" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_while_the_program_runs(
    seller: Seller, jobs: list[dict[str, Any]], make_job: MakeJob, settings: Any, old: bytes
) -> None:
    """Amazon's answers come in, and an owner types a new secret, while the keys rotate."""
    begin(settings, old)
    over = threading.Event()
    turns: list[int] = []

    def go_on() -> None:
        turn = 0
        while not over.is_set() or turn < 3:
            turn += 1
            changed = [
                make_job(f"JOB-{number:04}", storeId=f"STORE-{turn}") for number in range(COUNT)
            ]
            store.store(seller, changed, fetched_at=timezone.now() + dt.timedelta(seconds=turn))
            mine = Seller.objects.get(pk=seller.pk)
            mine.client_secret = f"secret {turn}"
            mine.save(update_fields=["client_secret"])
        turns.append(turn)
        connection.close()

    other = threading.Thread(target=go_on)
    other.start()
    keys.rotate()
    over.set()
    other.join()
    keys.rotate()
    finish(settings)
    assert Seller.objects.get().client_secret == f"secret {turns[0]}"
    for job in ServiceJob.objects.all():
        assert (job.payload or {})["storeId"] == f"STORE-{turns[0]}"
        assert job.store_id == f"STORE-{turns[0]}"
        assert job.buyer_data["name"] == "Jordan Example"


def test_a_value_of_another_row_does_not_open(seller: Seller, jobs: list[Any]) -> None:
    """Not even within a seller: what names a buyer belongs to one job."""
    first, second = ServiceJob.objects.order_by("pk")[:2]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dispatch_servicejob SET buyer ="
            " (SELECT buyer FROM dispatch_servicejob WHERE id = %s) WHERE id = %s",
            [second.pk, first.pk],
        )
    with pytest.raises(SealBroken):
        assert ServiceJob.objects.get(pk=first.pk).buyer
    assert ServiceJob.objects.get(pk=second.pk).buyer_data["name"] == "Jordan Example"


def test_a_value_of_another_field_does_not_open(seller: Seller, jobs: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_servicejob SET buyer = payload")
    job = ServiceJob.objects.all()[0]
    with pytest.raises(SealBroken):
        assert job.buyer
    assert "Jordan" not in str(base64.b64encode(repr(job.__dict__).encode()))


def test_second_factors_are_sealed_again_too(bob: Person, settings: Any, old: bytes) -> None:
    secret = generate_totp_secret()
    TOTP.activate(bob, secret)
    RecoveryCodes.activate(bob)
    codes = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()
    begin(settings, old)
    assert keys.left() == {"Authenticator": 2}
    keys.rotate()
    assert keys.left() == {}
    finish(settings)
    kept = Authenticator.objects.get(type="totp")
    assert second_factors.unseal(kept.data["secret"]) == secret
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == codes
