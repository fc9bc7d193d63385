"""Moving to PostgreSQL: every row arrives and is proved, or nothing does and one sentence says why.

The source is the tests' SQLite database, the target a database of its own on a real server.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import uuid
from collections.abc import Iterator
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from dispatch.configuration import database_from_url
from dispatch.models import (
    Action,
    Membership,
    PastPassword,
    Person,
    RateBucket,
    SavedView,
    Seller,
    ServiceJob,
    SyncJob,
    Technician,
)
from dispatch.services.audit import activity, evidence
from dispatch.services.mirror import store
from dispatch.services.upkeep import moving
from tests.conftest import NOW, MakeJob

# Not `database`: the source is SQLite, whatever else the suite may run on.
pytestmark = pytest.mark.django_db(transaction=True)

SERVER = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
SECRET = "pass-word-of-nobody"
ODD_TEXTS = ("\\N", "a\tb\nc\\d", "'\"", "ß – 漢字 😀", " ", "\\x00", "NULL", "\x7f\x01")
ODD_JSON: tuple[Any, ...] = (
    [], {}, {"b": 1, "a": {"z": None}}, [1.0, 1e20, 0.1, -0.0, 2**80, 1.50], ["é\n\\", "\\u0000"],
)  # fmt: skip

FILLED = {
    "auth_group_permissions", "django_session", "account_emailaddress", "mfa_authenticator",
    "usersessions_usersession",
    *(f"dispatch_{name}" for name in (
        "action", "activity", "appointment", "associateditem", "jobreference", "jobword",
        "membership", "person", "ratebucket", "reasoncode", "savedview", "seller", "servicejob",
        "syncjob", "technician", "technicianresource",
    )),
}  # fmt: skip


def run(*statements: str) -> None:
    with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as server:
        for statement in statements:
            server.execute(statement)  # type: ignore[call-overload]


def url_of(name: str, password: str = "") -> str:
    parts = urlsplit(SERVER)
    login = f"{parts.username}:{password}" if password else parts.netloc.rpartition("@")[0]
    return f"postgres://{login}@{parts.netloc.rpartition('@')[2]}/{name}"


@pytest.fixture(scope="session")
def migrated(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database as `migrate` leaves it, for others to be made from."""
    name = f"dispatch_moving_{uuid.uuid4().hex[:12]}"
    try:
        run(f"CREATE DATABASE {name}")
    except psycopg.OperationalError:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not there, and CI is set")
        pytest.skip("PostgreSQL is not there")
    with django_db_blocker.unblock(), moving.opened(database_from_url(url_of(name))) as made:
        moving.migrate(made)
    yield name
    run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def second_database(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests open the target: Django's guard allows only databases that it has set up itself."""
    guarded = BaseDatabaseWrapper.ensure_connection

    def ensure(self: BaseDatabaseWrapper) -> None:
        if self.alias == moving.TARGET and self.connection is None:
            with self.wrap_database_errors:
                self.connect()
        guarded(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", ensure)


@pytest.fixture
def name(migrated: str) -> Iterator[str]:
    """The name of an empty, migrated database."""
    if connection.vendor != "sqlite":
        pytest.skip("the source is SQLite")
    name = f"dispatch_moving_{uuid.uuid4().hex[:12]}"
    run(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    yield name
    run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def url(name: str) -> str:
    return url_of(name)


def silent(line: str) -> None:
    pass


def asked(url: str, statement: str) -> list[Any]:
    """What a statement finds in the target."""
    with psycopg.connect(url) as server:
        return server.execute(statement).fetchall()  # type: ignore[call-overload]


def inhabitants(url: str) -> int:
    tables = ("dispatch_person", "dispatch_seller", "dispatch_servicejob")
    return sum(asked(url, f"SELECT count(*) FROM {table}")[0][0] for table in tables)


def refusal(url: str) -> str:
    """Why nothing was moved; and nothing was."""
    with pytest.raises(moving.CannotMove) as caught:
        moving.move(url, silent)
    assert inhabitants(url) == 0
    return str(caught.value)


def change(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def contents(alias: str) -> dict[str, list[dict[str, Any]]]:
    """Everything that Django reads, by table and in the order of the keys."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        rows = model._base_manager.using(alias).values()
        found[model._meta.db_table] = sorted(rows, key=lambda row: repr(sorted(row.items())))
    return found


@pytest.fixture
def world(seller: Seller, alice: Person, make_job: MakeJob) -> Seller:
    """At least one row in every table of `FILLED`."""
    visit = {
        "appointmentId": "APPT-1",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": "2026-11-25T15:00:00.000123Z", "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": "TECH-TOM", "name": "Tom"}],
    }
    item = {"asin": "B0ITEM", "title": "TV", "quantity": 1, "orderId": "112-1"}
    jobs = [
        make_job(f"JOB-{n}", appointments=[visit], associatedItems=[item], trackingIds=["T"])
        for n in range(5)
    ]
    store.store(seller, [*jobs, {"serviceJobId": "BARE"}], fetched_at=NOW)
    job = ServiceJob.objects.earliest("pk")
    for number, value in enumerate(ODD_JSON):
        Action.objects.create(
            key=uuid.uuid4(), seller=seller, job=job, person=alice, kind="assign",
            payload=value, errors=[value], status_code=number or None,
        )  # fmt: skip
    for number, text in enumerate(ODD_TEXTS):
        SavedView.objects.create(person=alice, name=f"{number}", query=text)
    SyncJob.objects.create(seller=seller, kind=SyncJob.Kind.INCREMENTAL, lease_until=NOW)
    for number, full_at in enumerate((0.1, 1e308, 5e-324, -0.0, 1_795_532_400.123456)):
        RateBucket.objects.create(key=f"k{number}", full_at=full_at, rate=number or None)
    activity.record(activity.Kind.EXPORTED, person=alice, seller=seller, what="jobs", rows=2)
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "x"})
    Group.objects.create(name="Night shift").permissions.set(Permission.objects.all()[:3])
    Session.objects.create(session_key="s" * 32, session_data="{}", expire_date=NOW)
    for ip in ("203.0.113.77", "2001:db8:1:2::77", ""):
        UserSession.objects.create(user=alice, session_key=ip, ip=ip, user_agent="Firefox/140.0")
    return seller


# --- What arrives -----------------------------------------------------------------------------


def test_everything_that_django_reads_is_the_same_afterwards(world: Seller, url: str) -> None:
    before = contents("default")
    assert {table for table, rows in before.items() if rows} >= FILLED
    checks = moving.move(url, silent)
    with moving.opened(database_from_url(url)) as target:
        assert contents(target.alias) == before
    assert contents("default") == before
    assert {check.table: check.source.rows for check in checks} == {
        table: len(rows) for table, rows in before.items()
    }
    assert all(check.ok for check in checks)


def test_it_migrates_a_bare_database_itself(world: Seller, name: str, migrated: str) -> None:
    run(f"DROP DATABASE {name}", f"CREATE DATABASE {name} TEMPLATE template0")
    before = contents("default")
    moving.move(url_of(name), silent)
    assert asked(url_of(name), "SELECT count(*) FROM dispatch_servicejob") == [(6,)]
    # A migration that fills columns without naming a database means the target's.
    assert contents("default") == before


def test_what_is_sealed_crosses_unopened_and_opens_there(
    world: Seller, url: str, settings: Any
) -> None:
    keys = settings.FIELD_KEYS
    settings.FIELD_KEYS = (b"another key of exactly 32 bytes!",)
    moving.move(url, silent)
    settings.FIELD_KEYS = keys
    with moving.opened(database_from_url(url)) as target:
        there = Seller.objects.using(target.alias).get()
        assert there.refresh_token == "Atzr|sandbox"
        job = ServiceJob.objects.using(target.alias).get(service_job_id="JOB-0")
        assert job.buyer_data["name"] == "Jordan Example"


def test_the_log_is_proved_there_as_it_was_here(world: Seller, url: str) -> None:
    here = evidence.verify()
    moving.move(url, silent)
    source = connections["default"]
    with moving.opened(database_from_url(url)) as target:
        connections["default"] = target
        try:
            assert evidence.verify(here.head) == here
        finally:
            connections["default"] = source


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00", "2026-03-29T01:30:00.000007", "9999-12-31T23:59:59.999999"]
)
def test_any_moment_arrives(seller: Seller, url: str, moment: str) -> None:
    at = dt.datetime.fromisoformat(f"{moment}Z")
    Seller.objects.update(synced_at=at)
    moving.move(url, silent)
    with moving.opened(database_from_url(url)) as target:
        assert Seller.objects.using(target.alias).get().synced_at == at


def test_numbering_goes_on_and_gives_no_number_twice(world: Seller, url: str) -> None:
    gone = Person.objects.create_user("gone@dispatch.example", name="Gone")
    given = gone.pk
    gone.delete()
    moving.move(url, silent)
    with moving.opened(database_from_url(url)) as target:
        made = Person.objects.db_manager(target.alias).create_user("new@dispatch.example", name="N")
        assert made.pk == given + 1
        Technician.objects.using(target.alias).create(seller=world, name="New")


def test_indexes_and_constraints_are_those_that_migrate_made(world: Seller, url: str) -> None:
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    constraints = """
        SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid <> 0 ORDER BY 1, 2
    """
    before = asked(url, indexes), asked(url, constraints)
    assert any("FOREIGN KEY" in found[3] for found in before[1])
    moving.move(url, silent)
    assert (asked(url, indexes), asked(url, constraints)) == before


def test_it_copies_every_table_but_the_cache_and_the_record_of_migrations(db: None) -> None:
    assert moving.left_behind() == ["dispatch_cache", "django_migrations"]


# --- One moment, all or nothing ---------------------------------------------------------------


def write_from_elsewhere() -> None:
    with sqlite3.connect(connection.settings_dict["NAME"], timeout=1) as other:
        other.execute("UPDATE dispatch_person SET name = 'Later'")
        other.execute("DELETE FROM dispatch_membership")


@pytest.mark.parametrize("moment", ["django_content_type", "Building", "dispatch_person: read"])
def test_the_copy_is_of_one_moment_and_says_so(world: Seller, url: str, moment: str) -> None:
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        if line.startswith(moment):
            write_from_elsewhere()

    moving.move(url, tell)
    assert asked(url, "SELECT count(*) FROM dispatch_person WHERE name = 'Later'") == [(0,)]
    assert asked(url, "SELECT count(*) FROM dispatch_membership") == [(3,)]
    assert Person.objects.filter(name="Later").exists()
    assert told[-1].startswith("WARNING: somebody wrote to the source")


def test_it_does_not_warn_when_nobody_wrote(world: Seller, url: str) -> None:
    told: list[str] = []
    moving.move(url, told.append)
    assert not [line for line in told if "WARNING" in line]


@pytest.mark.parametrize("moment", ["dispatch_person", "Building", "dispatch_jobword: read"])
def test_a_crash_half_way_leaves_an_empty_target_and_the_source(
    world: Seller, url: str, moment: str
) -> None:
    def tell(line: str) -> None:
        if line.startswith(moment):
            raise KeyboardInterrupt

    before = contents("default")
    with pytest.raises(KeyboardInterrupt):
        moving.move(url, tell)
    assert inhabitants(url) == 0
    assert contents("default") == before
    moving.move(url, silent)
    assert inhabitants(url) > 0


def test_a_server_that_goes_away_half_way_is_one_sentence(world: Seller, url: str) -> None:
    def tell(line: str) -> None:
        if line.startswith("dispatch_person"):
            name = urlsplit(url).path[1:]
            run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    with pytest.raises(moving.CannotMove, match=r"terminating connection|closed"):
        moving.move(url, tell)
    assert inhabitants(url) == 0


MEDDLERS = {
    "a value": "NEW.name := upper(NEW.name); RETURN NEW",
    "a row": "IF NEW.email LIKE 'bob%' THEN RETURN NULL; END IF; RETURN NEW",
}


@pytest.fixture(params=MEDDLERS)
def meddled(request: Any, people: dict[str, Person], url: str) -> str:
    """A target that does not keep what it is given. Nothing refers to whoever does not arrive."""
    PastPassword.objects.all().delete()
    body = f"$$BEGIN {MEDDLERS[request.param]}; END$$"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE FUNCTION m() RETURNS trigger LANGUAGE plpgsql AS {body}")
        server.execute(
            "CREATE TRIGGER m BEFORE INSERT ON dispatch_person FOR EACH ROW EXECUTE FUNCTION m()"
        )
    return url


def test_a_copy_that_differs_is_not_kept(people: dict[str, Person], meddled: str) -> None:
    with pytest.raises(moving.Differs, match=r"differs from the source in dispatch_person;") as it:
        moving.move(meddled, silent)
    assert [check.table for check in it.value.checks if not check.ok] == ["dispatch_person"]
    assert inhabitants(meddled) == 0


# --- What is refused --------------------------------------------------------------------------


def test_it_refuses_a_target_that_is_not_empty(seller: Seller, url: str) -> None:
    with moving.opened(database_from_url(url)) as target:
        Person.objects.db_manager(target.alias).create_user("x@dispatch.example", name="X")
    with pytest.raises(moving.CannotMove, match="not empty: dispatch_person has rows"):
        moving.move(url, silent)
    assert inhabitants(url) == 1


@pytest.mark.parametrize(
    ("where", "why"), [("127.0.0.1:1/x", "refused"), ("127.0.0.1:5432/x-no-such", "does not exist")]
)
def test_it_refuses_a_target_out_of_reach_without_its_password(
    name: str, where: str, why: str
) -> None:
    with pytest.raises(moving.CannotMove, match=f"cannot be reached: .*{why}") as caught:
        moving.move(f"postgres://postgres:{SECRET}@{where}", silent)
    assert SECRET not in str(caught.value)


def test_even_a_password_that_the_server_repeats_is_not_shown(name: str) -> None:
    with pytest.raises(moving.CannotMove, match='database "…" does not exist'):
        moving.move(url_of(SECRET, password=SECRET), silent)


@pytest.mark.parametrize(
    "wrong", ["mysql://u:{}@h/n", "nonsense {}", "", "postgres://u:{}@[::1", "sqlite:////x/y"]
)
def test_it_refuses_what_is_no_postgresql(
    name: str, wrong: str, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(moving.CannotMove, match="must be written as postgres://") as caught:
        moving.move(wrong.format(SECRET), silent)
    assert SECRET not in " ".join([str(caught.value), *(str(one.message) for one in recwarn)])


def test_it_refuses_itself(name: str) -> None:
    with pytest.raises(moving.CannotMove, match="is the database of DATABASE_URL itself"):
        moving.move(f"sqlite:///{connection.settings_dict['NAME']}", silent)


def test_it_refuses_a_source_with_migrations_to_come(people: dict[str, Person], url: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT app, name, applied FROM django_migrations WHERE app = 'dispatch' "
            "ORDER BY id DESC LIMIT 1"
        )
        last = cursor.fetchone()
        cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", last[:2])
    try:
        assert "run `python manage.py migrate` first" in refusal(url)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", last
            )


def test_it_names_the_place_of_a_nul_and_not_the_text(people: dict[str, Person], url: str) -> None:
    bob = people["bob"]
    Person.objects.filter(pk=bob.pk).update(name="Hidden\0name")
    assert refusal(url) == (
        f"PostgreSQL cannot hold dispatch_person.name of the row with id {bob.pk}: a NUL character."
    )


UNFIT = {
    "a NUL in JSON": (
        """UPDATE dispatch_technician SET skills = '["Hidden\\u0000"]' WHERE name = 'Maya'""",
        "dispatch_technician.skills",
        "untranslatable character",
    ),
    "half a pair in JSON": (
        """UPDATE dispatch_technician SET skills = '["Hidden\\ud800"]' WHERE name = 'Maya'""",
        "dispatch_technician.skills",
        "invalid text representation",
    ),
    "too long a text": (
        f"UPDATE dispatch_technician SET name = '{'Hidden' * 30}' WHERE name = 'Maya'",
        "dispatch_technician.name",
        "string data right truncation",
    ),
    "a word for a number": (
        "UPDATE dispatch_technician SET colour = 'Hidden' WHERE name = 'Maya'",
        "dispatch_technician.colour",
        "invalid text representation",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_it_names_the_place_of_what_the_server_refuses(seller: Seller, url: str, case: str) -> None:
    statement, place, why = UNFIT[case]
    maya = Technician.objects.get(name="Maya").pk
    change(statement)
    said = refusal(url)
    assert said == f"PostgreSQL cannot hold {place} of the row with id {maya}: {why}."


def test_it_does_not_show_a_session_whose_row_is_refused(world: Seller, url: str) -> None:
    Session.objects.update(session_data="\0")
    said = refusal(url)
    assert "django_session.session_data of the row with session_key …" in said


@pytest.mark.parametrize(
    ("column", "value"),
    [("name", "CAST(x'ff48696464656e' AS TEXT)"), ("created_at", "'2026-99-99 00:00:00'")],
)
def test_it_refuses_a_row_that_cannot_be_read(
    people: dict[str, Person], url: str, column: str, value: str
) -> None:
    change(f"UPDATE dispatch_person SET {column} = {value}")
    said = refusal(url)
    assert said.startswith("dispatch_person ")
    assert "Hidden" not in said
    assert "99" not in said


def test_it_refuses_rows_that_refer_to_nothing(seller: Seller, url: str) -> None:
    member = Membership.objects.earliest("pk")
    change("PRAGMA foreign_keys = OFF")
    change(f"UPDATE dispatch_membership SET person_id = 4711 WHERE id = {member.pk}")
    change("PRAGMA foreign_keys = ON")
    said = refusal(url)
    assert "dispatch_membership" in said
    assert "foreign key violation" in said
    assert "4711" not in said


# --- The command ------------------------------------------------------------------------------


def command(url: str) -> tuple[list[str], str]:
    out, err = StringIO(), StringIO()
    call_command("move_database", url, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


def test_the_command_prints_what_it_verified(world: Seller, url: str) -> None:
    out, err = command(url)
    assert out[0].split() == ["table", "rows", "checksum", "ok"]
    row = next(line for line in out if line.startswith("dispatch_servicejob")).split()
    assert (row[1], len(row[2]), row[3]) == ("6", 32, "yes")
    assert out[-2] == "Not copied: dispatch_cache, django_migrations."
    assert out[-1].startswith("Every row arrived.")
    assert "dispatch_servicejob: 6 rows copied" in err
    assert "dispatch_servicejob: read back" in err


def test_the_command_fails_with_one_sentence(people: dict[str, Person], url: str) -> None:
    command(url)
    with pytest.raises(
        CommandError, match=r"^The target is not empty: dispatch_person has rows\.$"
    ):
        command(url)


def test_the_command_shows_where_a_copy_differs(people: dict[str, Person], meddled: str) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="differs from the source in dispatch_person"):
        call_command("move_database", meddled, stdout=out, stderr=StringIO())
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines if line.endswith("NO")] == ["dispatch_person"]
