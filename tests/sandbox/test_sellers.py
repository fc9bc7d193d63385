"""More sellers than the demo's two, for those who want to see many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatch.sandbox import demo
from dispatch.sandbox.life import Life
from dispatch.sandbox.realm import DE, US, Realm
from dispatch.sandbox.server import SandboxServer


@pytest.fixture
def three(connect: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A client of one of three US sellers with 30 jobs each."""
    with SandboxServer(jobs=30, sellers=3, rate_limits=False) as server:
        yield lambda token="Atzr|sandbox", *marketplace: connect(server.url, token, *marketplace)


def test_one_seller_is_the_world_as_it_always_was() -> None:
    realm = Realm()
    assert list(realm.worlds) == ["Atzr|sandbox", "Atzr|sandbox-de"]


def test_each_has_its_own_token_name_and_jobs(three: Callable[..., Any]) -> None:
    state = three().control("state")
    assert [one["refreshToken"] for one in state["sellers"]] == [
        "Atzr|sandbox",
        "Atzr|sandbox-de",
        "Atzr|sandbox-2",
        "Atzr|sandbox-3",
    ]
    assert len({one["sellingPartnerId"] for one in state["sellers"]}) == 4
    assert len({one["name"] for one in state["sellers"]}) == 4
    assert [one["marketplaceId"] for one in state["sellers"]] == [US, DE, US, US]
    counts = [three(token).jobs().json()["payload"]["totalResultSize"] for token in _US_TOKENS]
    assert counts == [24, 30, 30]
    assert three("Atzr|sandbox-de", DE).jobs().json()["payload"]["totalResultSize"] == 6
    assert len({one["serviceJobId"] for one in state["jobs"]}) == 90


_US_TOKENS = ("Atzr|sandbox", "Atzr|sandbox-2", "Atzr|sandbox-3")


def test_the_others_do_not_change_the_first_two() -> None:
    alone, crowd = Realm(), Realm(sellers=5)
    for realm in (alone, crowd):
        realm.clock.frozen = alone.clock.frozen or alone.now()
        demo.populate(realm, jobs=40, seed=7)
    for token in alone.worlds:
        payloads = [
            [job.payload for job in realm.worlds[token].jobs.values()] for realm in (alone, crowd)
        ]
        assert payloads[0] == payloads[1]


def test_a_new_job_goes_to_the_seller_it_names(three: Callable[..., Any]) -> None:
    job = {"serviceJobId": "new", "seller": {"sellerId": "A2SANDBOXUS003"}}
    three().control("jobs", job)
    assert three("Atzr|sandbox-3").job("new") == job
    assert three("Atzr|sandbox-2").call("GET", "/serviceJobs/new").status_code == 403


@pytest.mark.parametrize("seller", [{"sellerId": "nobody"}, {}, None, "x"])
def test_one_that_names_nobody_goes_by_its_marketplace(
    three: Callable[..., Any], seller: Any
) -> None:
    three().control("jobs", {"serviceJobId": "new", "seller": seller, "marketplaceId": DE})
    assert three("Atzr|sandbox-de", DE).job("new")["marketplaceId"] == DE


def test_a_known_job_changes_where_it_is(three: Callable[..., Any]) -> None:
    second = three("Atzr|sandbox-2")
    job_id = second.jobs().json()["payload"]["jobs"][0]["serviceJobId"]
    three().control("jobs", {"serviceJobId": job_id, "storeId": "elsewhere"})
    assert second.job(job_id)["storeId"] == "elsewhere"


def test_a_scenario_deals_out_its_jobs(three: Callable[..., Any]) -> None:
    named = [
        {"serviceJobId": f"job-{n}", "seller": {"sellerId": f"A2SANDBOXUS00{n}"}} for n in (1, 2, 3)
    ]
    three().load(jobs=named)
    listed = [three(token).jobs().json()["payload"]["jobs"] for token in _US_TOKENS]
    assert listed == [[one] for one in named]


def test_further_sellers_join_a_kept_world(tmp_path: Path, connect: Callable[..., Any]) -> None:
    path = tmp_path / "state.json"
    with SandboxServer(jobs=20, state=path) as server:
        before = connect(server.url).control("state")
    with SandboxServer(jobs=20, sellers=2, state=path) as server:
        after = connect(server.url).control("state")
        assert len(server.realm.worlds["Atzr|sandbox-2"].jobs) == 20
        assert server.realm.worlds["Atzr|sandbox-2"].resources
    kept = {one["serviceJobId"] for one in after["jobs"]}
    assert {one["serviceJobId"] for one in before["jobs"]} < kept
    assert len(kept) == 40


def test_life_visits_them_all() -> None:
    realm = Realm(sellers=4)
    demo.populate(realm, jobs=30, seed=7)
    for world in realm.worlds.values():
        for job in world.jobs.values():
            job.touch(job.created)
    life = Life(realm, seed=1, most=200)
    for _ in range(120):
        life.tick()
    for world in realm.worlds.values():
        assert any(job.last_updated != job.created for job in world.jobs.values())
