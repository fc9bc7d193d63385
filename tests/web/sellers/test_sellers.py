from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from dispatch.models import Membership, Person, ReasonCode, Seller, SyncJob
from dispatch.sandbox.server import SandboxServer
from dispatch.services.writes.kinds import KINDS
from dispatch.spapi import Marketplaces

pytestmark = pytest.mark.django_db

APP, SECRET, TOKEN = "amzn1.application-oa2-client.sandbox", "sandbox-secret", "Atzr|sandbox"
US, DE = Marketplaces.US.marketplace_id, Marketplaces.DE.marketplace_id
Role, Kind = Membership.Role, ReasonCode.Kind
HTMX = {"HTTP_HX_REQUEST": "true"}
DIALOG = {**HTMX, "HTTP_HX_TARGET": "dialog-body"}
FORM = {
    "name": "Northlight",
    "marketplace_id": US,
    "time_zone": "America/Chicago",
    "client_id": APP,
    "client_secret": SECRET,
    "refresh_token": TOKEN,
}


@pytest.fixture(scope="module")
def amazon() -> Iterator[SandboxServer]:
    with SandboxServer(jobs=5, rate_limits=False) as server:
        yield server


@pytest.fixture(autouse=True)
def at_amazon(amazon: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SP_API_ENDPOINT", amazon.url)
    monkeypatch.setenv("SP_API_TOKEN_URL", f"{amazon.url}/auth/o2/token")


def person(name: str) -> Person:
    return Person.objects.create_user(f"{name.lower()}@example.com", "x", name=name)


def logged_in(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


@pytest.fixture
def alice() -> Client:
    return logged_in(person("Alice"))


@pytest.fixture
def seller(alice: Client) -> Seller:
    alice.post("/sellers/new/", FORM)
    return Seller.objects.get()


@pytest.fixture
def others(seller: Seller) -> list[Client]:
    """Everybody who must not see it: a stranger with a seller of her own, and other roles."""
    charlie = person("Charlie")
    own = Seller.objects.create(owner=charlie, name="Charlie's", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=own, role=Role.OWNER)
    clients = [logged_in(charlie)]
    for role in (Role.DISPATCHER, Role.TECHNICIAN, Role.AUDITOR):
        one = person(role.label)
        Membership.objects.create(person=one, seller=seller, role=role)
        clients.append(logged_in(one))
    return clients


def text(response: Any) -> str:
    return str(response.content.decode())


def add_reason(alice: Client, seller: Seller, code: str = "V1", kind: str = "cancel") -> Any:
    data = {f"{kind}-code": code, f"{kind}-description": "Buyer asked"}
    return alice.post(f"/sellers/{seller.pk}/reasons/{kind}/add/", data)


class TestAccess:
    ADDRESSES = (
        ("get", "seller"),
        ("get", "seller_edit"),
        ("post", "seller_edit"),
        ("post", "seller_test"),
        ("get", "seller_progress"),
        ("get", "seller_disconnect"),
        ("post", "seller_disconnect"),
        ("post", "seller_switches"),
        ("post", "seller_authorise"),
    )

    def test_it_refuses_strangers_and_other_roles(
        self, seller: Seller, others: list[Client]
    ) -> None:
        for client in others:
            for method, name in self.ADDRESSES:
                answer = getattr(client, method)(reverse(name, args=[seller.pk]), FORM)
                assert answer.status_code == 404, (method, name)
        seller.refresh_from_db()
        assert seller.state == Seller.State.CONNECTED
        assert seller.client_secret == SECRET

    def test_it_refuses_them_the_reason_codes(
        self, alice: Client, seller: Seller, others: list[Client]
    ) -> None:
        add_reason(alice, seller)
        reason = ReasonCode.objects.get()
        for client in others:
            assert add_reason(client, seller, "V2").status_code == 404
            for name, data in (("reason_edit", {}), ("reason_move", {"to": "out"})):
                address = reverse(name, args=[seller.pk, reason.pk])
                assert client.post(address, data).status_code == 404
        assert ReasonCode.objects.get() == reason

    def test_a_reason_code_of_another_seller_is_not_found(
        self, alice: Client, seller: Seller
    ) -> None:
        add_reason(alice, seller)
        alice.post("/sellers/new/", FORM | {"name": "Second"})
        second = Seller.objects.get(name="Second")
        address = reverse("reason_move", args=[second.pk, ReasonCode.objects.get().pk])
        assert alice.post(address, {"to": "out"}).status_code == 404

    def test_people_who_only_work_for_others_have_no_sellers_page(
        self, others: list[Client]
    ) -> None:
        charlie, *workers = others
        assert charlie.get("/sellers/").status_code == 200
        for client in workers:
            assert client.get("/sellers/").status_code == 404
            assert client.post("/sellers/new/", FORM).status_code == 404

    def test_a_list_shows_only_one_s_own(self, seller: Seller, others: list[Client]) -> None:
        assert "Northlight" not in text(others[0].get("/sellers/"))

    def test_it_asks_to_log_in_first(self, seller: Seller) -> None:
        for address in ("/sellers/", "/sellers/new/", f"/sellers/{seller.pk}/"):
            answer = Client().get(address)
            assert answer.status_code == 302
            assert "/account/login/" in answer["Location"]

    @pytest.mark.parametrize("odd", ["x", "😀", "%00", "9" * 400, str(uuid.UUID(int=7))])
    def test_an_id_that_is_none_is_not_found(self, alice: Client, odd: str) -> None:
        assert alice.get(f"/sellers/{odd}/").status_code == 404

    def test_a_read_never_writes(self, alice: Client, seller: Seller) -> None:
        for name in ("seller_test", "seller_switches", "seller_authorise"):
            assert alice.get(reverse(name, args=[seller.pk])).status_code == 405


class TestConnecting:
    def test_an_empty_list_says_how_to_begin(self, alice: Client) -> None:
        page = text(alice.get("/sellers/"))
        assert "<h1>Sellers</h1>" in page
        assert "Connect a seller" in page

    def test_it_connects_tests_and_begins_to_load(self, alice: Client) -> None:
        answer = alice.post("/sellers/new/", FORM, follow=True)
        seller = Seller.objects.get()
        assert answer.redirect_chain == [(f"/sellers/{seller.pk}/", 302)]
        assert "Connected. Amazon accepts these credentials." in text(answer)
        assert seller.state == Seller.State.CONNECTED
        assert SyncJob.objects.filter(seller=seller).count() == len(SyncJob.Kind)
        assert seller.time_zone == "America/Chicago"

    def test_it_says_in_plain_words_what_is_wrong_and_keeps_amazon_s_words_near(
        self, alice: Client
    ) -> None:
        page = text(alice.post("/sellers/new/", FORM | {"client_secret": "no"}, follow=True))
        assert "does not know this client id" in page
        assert "<details>" in page
        assert "invalid_client" in page
        assert "Wrong application id or secret" in page

    def test_without_a_refresh_token_nothing_is_asked_of_amazon(
        self, alice: Client, amazon: SandboxServer
    ) -> None:
        amazon.realm.calls.clear()
        page = text(
            alice.post(
                "/sellers/new/",
                FORM | {"refresh_token": "", "application_id": "amzn1.sp.solution.sandbox"},
                follow=True,
            )
        )
        assert "Authorise at Amazon" in page
        assert not amazon.realm.calls

    def test_the_first_day_is_that_of_the_seller_s_zone(self, alice: Client) -> None:
        alice.post("/sellers/new/", FORM | {"sync_since": "2026-01-10"})
        since = Seller.objects.get().sync_since
        assert since is not None
        assert since.isoformat() == "2026-01-10T06:00:00+00:00"

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("name", "", "This field is required."),
            ("name", "x" * 500, "at most 100 characters"),
            ("name", "Null\0byte", "Null characters are not allowed."),
            ("marketplace_id", "A" * 500, "Select a valid choice."),
            ("time_zone", "Mars/Base", "Select a valid choice."),
            ("client_id", "🔑", "Copy it again"),
            ("client_id", "x" * 500, "at most 200 characters"),
            ("client_secret", "two words", "Copy it again"),
            ("refresh_token", "x" * 2001, "at most 2000 characters"),
            ("application_id", "ünknown", "Copy it again"),
            ("sync_since", "2999-01-01", "not in the future"),
            ("sync_since", "yesterday", "Enter a valid date."),
        ],
    )
    def test_bad_input_is_explained(
        self, alice: Client, field: str, value: str, words: str
    ) -> None:
        answer = alice.post("/sellers/new/", FORM | {field: value})
        assert answer.status_code == 422
        assert words in text(answer)
        assert not Seller.objects.exists()

    def test_what_was_typed_stays_but_credentials_do_not(self, alice: Client) -> None:
        page = text(alice.post("/sellers/new/", FORM | {"sync_since": "no"}))
        assert 'value="Northlight"' in page
        for secret in (APP, SECRET, TOKEN):
            assert secret not in page


class TestSecrecy:
    def test_no_page_shows_a_credential(self, alice: Client, seller: Seller) -> None:
        for name in ("seller", "seller_edit", "seller_disconnect", "seller_progress"):
            page = text(alice.get(reverse(name, args=[seller.pk])))
            for secret in (APP, SECRET, TOKEN):
                assert secret not in page
        assert 'autocomplete="off"' in text(alice.get(reverse("seller_edit", args=[seller.pk])))

    def test_the_database_and_the_session_hold_none_in_clear(self, seller: Seller) -> None:
        with connection.cursor() as cursor:
            for table in ("dispatch_seller", "django_session", "dispatch_cache"):
                cursor.execute(f"SELECT * FROM {table}")
                raw = repr(cursor.fetchall())
                assert not [s for s in (APP, SECRET, TOKEN, "Atza|") if s in raw], table

    def test_pages_are_not_cached(self, alice: Client, seller: Seller) -> None:
        assert "no-store" in alice.get(f"/sellers/{seller.pk}/")["Cache-Control"]


class TestEditing:
    def test_empty_credentials_are_kept(self, alice: Client, seller: Seller) -> None:
        blank = {"client_id": "", "client_secret": "", "refresh_token": "", "name": "New name"}
        page = text(alice.post(f"/sellers/{seller.pk}/edit/", FORM | blank, follow=True))
        seller.refresh_from_db()
        assert "Connected. Amazon accepts" in page
        assert (seller.name, seller.client_secret) == ("New name", SECRET)

    def test_a_credential_can_be_replaced(self, alice: Client, seller: Seller) -> None:
        page = text(
            alice.post(
                f"/sellers/{seller.pk}/edit/", FORM | {"refresh_token": "Atzr|revoked"}, follow=True
            )
        )
        assert "Needs re-authorisation" in page
        assert Seller.objects.get().refresh_token == "Atzr|revoked"

    def test_the_marketplace_is_fixed_once_jobs_are_there(
        self, alice: Client, seller: Seller
    ) -> None:
        now = seller.created_at
        seller.jobs.create(service_job_id="J-1", digest="", fetched_at=now, changed_at=now)
        alice.post(f"/sellers/{seller.pk}/edit/", FORM | {"marketplace_id": DE})
        assert Seller.objects.get().marketplace_id == US


class TestTesting:
    def test_htmx_gets_the_connection_only(self, alice: Client, seller: Seller) -> None:
        page = text(alice.post(f"/sellers/{seller.pk}/test/", **HTMX))
        assert "<html" not in page
        assert "Connected. Amazon accepts" in page

    def test_without_script_it_comes_back_to_the_page(self, alice: Client, seller: Seller) -> None:
        answer = alice.post(f"/sellers/{seller.pk}/test/")
        assert answer["Location"] == f"/sellers/{seller.pk}/"
        assert "Connected. Amazon accepts" in text(alice.get(answer["Location"]))
        assert "Connected. Amazon accepts" not in text(alice.get(answer["Location"]))

    def test_the_progress_is_asked_for_only_while_loading(
        self, alice: Client, seller: Seller
    ) -> None:
        tasks = SyncJob.objects.filter(kind=SyncJob.Kind.FIRST_LOAD)
        tasks.update(done=40, total=120)
        loading = text(alice.get(f"/sellers/{seller.pk}/progress/"))
        assert "40 of 120" in loading
        assert 'hx-trigger="every 2s"' in loading
        tasks.update(finished_at=seller.created_at)
        assert "every 2s" not in text(alice.get(f"/sellers/{seller.pk}/progress/"))


class TestDisconnecting:
    def test_it_asks_first(self, alice: Client, seller: Seller) -> None:
        page = text(alice.get(f"/sellers/{seller.pk}/disconnect/"))
        assert "Disconnect Northlight?" in page
        assert Seller.objects.get().client_secret == SECRET

    def test_it_erases_the_credentials(self, alice: Client, seller: Seller) -> None:
        page = text(alice.post(f"/sellers/{seller.pk}/disconnect/", follow=True))
        kept = Seller.objects.get()
        assert (kept.client_id, kept.client_secret, kept.refresh_token) == ("", "", "")
        assert "Its credentials are erased." in page
        assert "Disconnected" in text(alice.get("/sellers/"))

    def test_in_a_dialog_it_goes_on_to_the_page(self, alice: Client, seller: Seller) -> None:
        address = f"/sellers/{seller.pk}/disconnect/"
        assert "<html" not in text(alice.get(address, **DIALOG))
        answer = alice.post(address, **DIALOG)
        assert answer["HX-Redirect"] == f"/sellers/{seller.pk}/"


class TestSwitches:
    def test_it_keeps_which_writes_are_on(self, alice: Client, seller: Seller) -> None:
        alice.post(f"/sellers/{seller.pk}/switches/", {"writes": ["cancel", "assign"]})
        off = set(Seller.objects.get().switched_off)
        assert off == set(KINDS) - {"cancel", "assign"}

    def test_none_is_a_choice_too(self, alice: Client, seller: Seller) -> None:
        alice.post(f"/sellers/{seller.pk}/switches/")
        assert set(Seller.objects.get().switched_off) == set(KINDS)

    def test_an_unknown_write_changes_nothing(self, alice: Client, seller: Seller) -> None:
        page = text(
            alice.post(f"/sellers/{seller.pk}/switches/", {"writes": ["\0", "💥"]}, follow=True)
        )
        assert "not saved" in page
        assert Seller.objects.get().switched_off == []


class TestReasonCodes:
    def test_it_adds_a_code_in_capitals(self, alice: Client, seller: Seller) -> None:
        answer = add_reason(alice, seller, " v1 ")
        assert answer["Location"] == f"/sellers/{seller.pk}/#reasons-cancel"
        reason = ReasonCode.objects.get()
        assert (reason.code, reason.kind, reason.marketplace_id) == ("V1", "cancel", US)

    def test_htmx_gets_the_new_list(self, alice: Client, seller: Seller) -> None:
        answer = alice.post(
            f"/sellers/{seller.pk}/reasons/reschedule/add/", {"reschedule-code": "R1"}, **HTMX
        )
        assert "<html" not in text(answer)
        assert "<code>R1</code>" in text(answer)

    @pytest.mark.parametrize("code", ["", "a b", "💥", "x" * 500, "R\0", "R-1"])
    def test_a_code_amazon_cannot_mean_is_explained(
        self, alice: Client, seller: Seller, code: str
    ) -> None:
        answer = add_reason(alice, seller, code)
        assert answer.status_code == 422
        assert "<h1>Northlight</h1>" in text(answer)
        assert not ReasonCode.objects.exists()
        data = {"cancel-code": code}
        partial = alice.post(f"/sellers/{seller.pk}/reasons/cancel/add/", data, **HTMX)
        assert partial.status_code == 422
        assert "<html" not in text(partial)

    def test_the_same_code_again_is_refused_in_words(self, alice: Client, seller: Seller) -> None:
        add_reason(alice, seller)
        answer = add_reason(alice, seller)
        assert answer.status_code == 422
        assert "V1 is in the list already." in text(answer)

    def test_it_moves_describes_and_removes(self, alice: Client, seller: Seller) -> None:
        add_reason(alice, seller, "A")
        add_reason(alice, seller, "B")
        second = ReasonCode.objects.get(code="B")
        move = reverse("reason_move", args=[seller.pk, second.pk])
        alice.post(move, {"to": "up"})
        assert [r.code for r in ReasonCode.objects.all()] == ["B", "A"]
        edit = reverse("reason_edit", args=[seller.pk, second.pk])
        assert "Reason code B" in text(alice.get(edit))
        alice.post(edit, {"description": "Late part"})
        assert str(ReasonCode.objects.get(code="B")) == "B — Late part"
        alice.post(move, {"to": "out"})
        assert [r.code for r in ReasonCode.objects.all()] == ["A"]

    def test_nonsense_is_not_found(self, alice: Client, seller: Seller) -> None:
        add_reason(alice, seller)
        assert add_reason(alice, seller, kind="delete").status_code == 404
        move = reverse("reason_move", args=[seller.pk, ReasonCode.objects.get().pk])
        assert alice.post(move, {"to": "nowhere"}).status_code == 404
        huge = f"/sellers/{seller.pk}/reasons/{10**30}/"
        assert alice.get(huge).status_code == 404
