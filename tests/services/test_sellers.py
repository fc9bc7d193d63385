from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import requests
from django.db import connection
from django.utils import timezone

from dispatch.models import Membership, Person, ReasonCode, Seller, SyncJob
from dispatch.sandbox.server import SandboxServer
from dispatch.selectors import sellers as sellers_read
from dispatch.services import sellers
from dispatch.services.errors import CannotBeDone
from dispatch.services.sellers import Credentials, Details
from dispatch.services.writes import rights
from dispatch.spapi import Marketplaces
from tests.limits import PATIENCE

pytestmark = pytest.mark.django_db

APP, SECRET, TOKEN = "amzn1.application-oa2-client.sandbox", "sandbox-secret", "Atzr|sandbox"
US, DE = Marketplaces.US.marketplace_id, Marketplaces.DE.marketplace_id
State, Kind = Seller.State, ReasonCode.Kind


@pytest.fixture(scope="module")
def amazon() -> Iterator[SandboxServer]:
    with SandboxServer(jobs=5, rate_limits=False) as server:
        yield server


@pytest.fixture(autouse=True)
def at_amazon(amazon: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SP_API_ENDPOINT", amazon.url)
    monkeypatch.setenv("SP_API_TOKEN_URL", f"{amazon.url}/auth/o2/token")
    faults(amazon, [])
    for world in amazon.realm.worlds.values():
        world.role, world.revoked = True, False


@pytest.fixture
def alice() -> Person:
    return Person.objects.create_user("alice@example.com", name="Alice")


def details(**changes: object) -> Details:
    return Details(**{"name": "Northlight", "marketplace_id": US, **changes})  # type: ignore[arg-type]


def seller_of(owner: Person, *, secret: str = SECRET, token: str = TOKEN, **said: object) -> Seller:
    return sellers.connect(
        owner=owner, details=details(**said), credentials=Credentials(APP, secret, token)
    )


def faults(amazon: SandboxServer, wanted: list[dict[str, object]]) -> None:
    requests.post(f"{amazon.url}/_sandbox/faults", json=wanted, timeout=PATIENCE)


def stored_bytes(seller: Seller) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM dispatch_seller")
        return repr(cursor.fetchall())


class TestConnecting:
    def test_the_person_who_connects_owns_it(self, alice: Person) -> None:
        seller = seller_of(alice)
        assert seller.owner == alice
        assert list(sellers_read.owned_by(alice)) == [seller]
        assert seller.memberships.get().role == Membership.Role.OWNER

    def test_the_database_holds_no_credential_in_clear(self, alice: Person) -> None:
        raw = stored_bytes(seller_of(alice))
        assert "Northlight" in raw
        assert "v1." in raw
        for secret in (APP, SECRET, TOKEN):
            assert secret not in raw

    def test_two_sellers_with_the_same_secret_do_not_look_alike(self, alice: Person) -> None:
        seller_of(alice)
        seller_of(alice)
        with connection.cursor() as cursor:
            cursor.execute("SELECT client_secret FROM dispatch_seller")
            assert len({row[0] for row in cursor.fetchall()}) == 2

    def test_credentials_do_not_show_in_a_repr(self) -> None:
        assert SECRET not in repr(Credentials(APP, SECRET, TOKEN))

    def test_it_notes_when_the_secret_was_entered(self, alice: Person) -> None:
        seller = seller_of(alice)
        assert seller.secret_rotated_at is not None
        assert seller.authorised_at is None


class TestChanging:
    def test_an_empty_credential_keeps_what_there_is(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.change(seller=seller, details=details(name="Renamed"), credentials=Credentials())
        kept = Seller.objects.get()
        assert (kept.name, kept.client_secret, kept.refresh_token) == ("Renamed", SECRET, TOKEN)

    def test_a_new_secret_has_to_prove_itself(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        sellers.change(
            seller=seller, details=details(), credentials=Credentials(client_secret="other")
        )
        kept = Seller.objects.get()
        assert kept.client_secret == "other"
        assert kept.state == State.NEW

    def test_a_new_name_alone_leaves_the_state(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        sellers.change(seller=seller, details=details(name="New"), credentials=Credentials())
        assert Seller.objects.get().state == State.CONNECTED

    def test_an_earlier_first_day_loads_again_from_scratch(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        SyncJob.objects.update(finished_at=timezone.now(), done=7)
        since = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        sellers.change(seller=seller, details=details(sync_since=since), credentials=Credentials())
        first = SyncJob.objects.get(kind=SyncJob.Kind.FIRST_LOAD)
        assert (first.finished_at, first.done) == (None, 0)

    def test_it_does_not_touch_what_the_sync_wrote_meanwhile(self, alice: Person) -> None:
        seller = seller_of(alice)
        now = timezone.now()
        Seller.objects.update(synced_at=now)
        sellers.change(seller=seller, details=details(name="New"), credentials=Credentials())
        assert Seller.objects.get().synced_at == now


class TestTheConnection:
    def test_good_credentials_connect_and_begin_to_fetch(self, alice: Person) -> None:
        seller = seller_of(alice)
        verdict = sellers.check_connection(seller=seller)
        kept = Seller.objects.get()
        assert verdict.ok
        assert kept.state == State.CONNECTED
        assert kept.authorised_at is not None
        assert set(SyncJob.objects.values_list("kind", flat=True)) == set(SyncJob.Kind.values)

    @pytest.mark.parametrize(
        ("secret", "token", "state", "words"),
        [
            ("wrong", TOKEN, State.WRONG_SECRET, "does not know this client id"),
            (SECRET, "Atzr|revoked", State.REVOKED, "does not accept the refresh token"),
            (SECRET, "Atzr|nobody", State.REVOKED, "does not accept the refresh token"),
        ],
    )
    def test_it_says_which_credential_is_wrong(
        self, alice: Person, secret: str, token: str, state: str, words: str
    ) -> None:
        verdict = sellers.check_connection(seller=seller_of(alice, secret=secret, token=token))
        kept = Seller.objects.get()
        assert not verdict.ok
        assert words in verdict.words
        assert verdict.detail.startswith("invalid_")
        assert verdict.request_id
        assert (kept.state, kept.state_detail) == (state, verdict.words)
        assert not SyncJob.objects.exists()

    def test_a_cached_token_does_not_hide_a_wrong_secret(self, alice: Person) -> None:
        seller = seller_of(alice)
        assert sellers.check_connection(seller=seller).ok
        sellers.change(
            seller=seller, details=details(), credentials=Credentials(client_secret="wrong")
        )
        assert not sellers.check_connection(seller=seller).ok
        assert Seller.objects.get().state == State.WRONG_SECRET

    def test_it_says_that_the_role_is_missing(self, alice: Person, amazon: SandboxServer) -> None:
        amazon.realm.us.role = False
        verdict = sellers.check_connection(seller=seller_of(alice))
        assert "Professional Services (Restricted)" in verdict.words
        assert "403" in verdict.detail
        assert verdict.request_id
        assert Seller.objects.get().state == State.NO_ROLE

    def test_it_says_that_the_marketplace_is_wrong(self, alice: Person) -> None:
        verdict = sellers.check_connection(seller=seller_of(alice, marketplace_id=DE))
        assert "does not accept the marketplace DE" in verdict.words
        assert Seller.objects.get().state_detail == verdict.words

    def test_it_says_that_amazon_throttles(self, alice: Person, amazon: SandboxServer) -> None:
        seller = seller_of(alice)
        faults(
            amazon,
            [{"operation": "getServiceJobs", "kind": "status", "status": 429, "times": 20}],
        )
        verdict = sellers.check_connection(seller=seller)
        assert "too many requests" in verdict.words
        assert Seller.objects.get().state == State.NEW

    def test_it_says_that_amazon_cannot_be_reached(
        self, alice: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        monkeypatch.setenv("SP_API_ENDPOINT", "http://127.0.0.1:9")
        verdict = sellers.check_connection(seller=seller)
        assert "could not be reached" in verdict.words
        assert Seller.objects.get().state == State.CONNECTED

    def test_it_names_what_is_missing_without_asking(
        self, alice: Person, amazon: SandboxServer
    ) -> None:
        amazon.realm.calls.clear()
        verdict = sellers.check_connection(seller=seller_of(alice, token=""))
        assert "the refresh token is missing" in verdict.words
        assert not amazon.realm.calls

    def test_what_it_says_and_keeps_holds_no_secret(self, alice: Person) -> None:
        verdict = sellers.check_connection(seller=seller_of(alice, token="Atzr|nobody"))
        for secret in (SECRET, "Atzr|nobody"):
            assert secret not in repr(verdict)
            assert secret not in Seller.objects.get().state_detail

    def test_a_test_in_between_does_not_begin_again(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        SyncJob.objects.update(done=40, page_token="next", attempts=3)
        sellers.check_connection(seller=seller)
        first = SyncJob.objects.get(kind=SyncJob.Kind.FIRST_LOAD)
        assert (first.done, first.page_token, first.attempts) == (40, "next", 0)


class TestDisconnecting:
    def test_it_erases_all_three_credentials(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        sellers.disconnect(seller=seller)
        kept = Seller.objects.get()
        assert (kept.client_id, kept.client_secret, kept.refresh_token) == ("", "", "")
        assert kept.state == State.DISCONNECTED
        assert "v1." not in stored_bytes(seller)

    def test_nothing_is_fetched_any_more(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        sellers.disconnect(seller=seller)
        later = timezone.now() + dt.timedelta(days=365)
        assert not SyncJob.objects.filter(next_run_at__lt=later).exists()

    def test_it_can_be_connected_again(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        sellers.disconnect(seller=seller)
        sellers.change(
            seller=seller, details=details(), credentials=Credentials(APP, SECRET, TOKEN)
        )
        assert sellers.check_connection(seller=seller).ok
        assert Seller.objects.get().state == State.CONNECTED
        assert SyncJob.objects.filter(next_run_at__lte=timezone.now()).count() == len(SyncJob.Kind)


class TestAuthorising:
    def code(self, amazon: SandboxServer) -> str:
        answer = requests.post(
            f"{amazon.url}/apps/authorize/consent",
            data={
                "application_id": APP,
                "state": "s",
                "decision": "confirm",
                "redirect_uri": "http://127.0.0.1/sellers/callback/",
            },
            allow_redirects=False,
            timeout=PATIENCE,
        )
        query = requests.utils.urlparse(answer.headers["Location"]).query
        return dict(pair.split("=") for pair in query.split("&"))["spapi_oauth_code"]

    def authorise(self, seller: Seller, code: str, partner: str = "A2SANDBOXUS001") -> object:
        return sellers.authorise(
            seller=seller,
            code=code,
            redirect_uri="http://127.0.0.1/sellers/callback/",
            selling_partner_id=partner,
        )

    def test_it_exchanges_the_code_and_connects(self, alice: Person, amazon: SandboxServer) -> None:
        seller = seller_of(alice, token="")
        verdict = self.authorise(seller, self.code(amazon))
        kept = Seller.objects.get()
        assert verdict.ok  # type: ignore[attr-defined]
        assert kept.refresh_token == TOKEN
        assert kept.selling_partner_id == "A2SANDBOXUS001"
        assert kept.authorised_at is not None
        assert TOKEN not in stored_bytes(seller)

    def test_a_code_works_once(self, alice: Person, amazon: SandboxServer) -> None:
        seller = seller_of(alice, token="")
        code = self.code(amazon)
        self.authorise(seller, code)
        again = self.authorise(seller, code)
        assert "used already" in again.words  # type: ignore[attr-defined]
        assert Seller.objects.get().state == State.CONNECTED

    def test_it_refuses_another_seller_account(self, alice: Person, amazon: SandboxServer) -> None:
        seller = seller_of(alice)
        Seller.objects.update(selling_partner_id="A1OTHER")
        seller.refresh_from_db()
        with pytest.raises(CannotBeDone, match="A1OTHER"):
            self.authorise(seller, self.code(amazon))


class TestSwitches:
    def test_what_is_not_switched_on_is_off(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.switch(seller=seller, on=["cancel", "nonsense"])
        kept = Seller.objects.get()
        assert "cancel" not in kept.switched_off
        assert "complete" in kept.switched_off
        assert rights.switched_on(kept) == ["cancel"]


class TestCards:
    def test_it_shows_how_far_the_first_load_is(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        SyncJob.objects.filter(kind=SyncJob.Kind.FIRST_LOAD).update(done=40, total=120)
        card = sellers_read.cards_for(alice)[0]
        assert (card.loading, card.done, card.total) == (True, 40, 120)

    def test_ten_sellers_cost_as_many_queries_as_one(
        self, alice: Person, django_assert_num_queries: object
    ) -> None:
        for _ in range(10):
            sellers.sync.start(seller_of(alice))
        with django_assert_num_queries(2):  # type: ignore[operator]
            assert len(sellers_read.cards_for(alice)) == 10

    def test_a_stale_seller_says_so(self, alice: Person) -> None:
        seller_of(alice)
        Seller.objects.update(synced_at=timezone.now() - dt.timedelta(hours=1))
        assert sellers_read.cards_for(alice)[0].stale

    def test_the_last_trouble_with_fetching_is_shown(self, alice: Person) -> None:
        seller = seller_of(alice)
        sellers.check_connection(seller=seller)
        SyncJob.objects.update(last_error="Amazon could not be reached.")
        assert sellers_read.cards_for(alice)[0].error == "Amazon could not be reached."

    def test_every_marketplace_has_a_readable_country(self) -> None:
        names = dict(sellers_read.marketplaces())
        assert len(names) == len(Marketplaces)
        assert names[DE] == "Germany"
        assert all(len(name) > 2 for name in names.values())
