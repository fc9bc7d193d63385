"""The world outlives a restart, and a broken file does not stop the start."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatch.sandbox import store
from dispatch.sandbox.realm import Realm
from dispatch.sandbox.server import SandboxServer
from dispatch.sandbox.times import iso, iso_exact, parse
from dispatch.sandbox.world import window_of


def test_a_restart_changes_nothing(
    tmp_path: Path, connect: Callable[..., Any], tomorrow: Callable[..., str]
) -> None:
    path = tmp_path / "state.json"
    with SandboxServer(jobs=0, state=path, rate_limits=False) as server:
        api = connect(server.url)
        job = {"serviceJobId": "job-1", "serviceJobStatus": "PENDING_SCHEDULE"}
        api.load(jobs=[job], resources=[{"resourceId": "T1", "skills": ["TV"]}])
        body = {"appointmentTime": {"startTime": tomorrow()}}
        api.call("POST", "/serviceJobs/job-1/appointments", body)
        api.call("POST", "/documents", {"contentType": "PNG", "contentLength": 9})
        api.control("slots", {"startTime": tomorrow(days=2)})
        api.control("tokens", {"refresh_token": "Atzr|sandbox-de", "state": "revoked"})
        token = api.session.headers["x-amz-access-token"]
        before = api.control("state")
    with SandboxServer(jobs=0, state=path, rate_limits=False) as server:
        api = connect(server.url)
        after = api.control("state")
        # An access token bought before still works.
        api.session.headers["x-amz-access-token"] = token
        assert api.jobs().status_code == 200
    for part in ("jobs", "resources", "reservations", "documents", "sellers"):
        assert after[part] == before[part], part


def test_a_frozen_clock_stays_frozen(tmp_path: Path, connect: Callable[..., Any]) -> None:
    path = tmp_path / "state.json"
    for scenario in ({"now": "2026-06-01T00:00:00Z"}, None):
        with SandboxServer(jobs=0, state=path) as server:
            api = connect(server.url)
            if scenario:
                api.load(**scenario)
            assert api.control("state")["now"] == "2026-06-01T00:00:00Z"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 99}', "null"])
def test_a_broken_file_is_moved_aside(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with SandboxServer(jobs=9, state=path) as server:
        assert sum(len(world.jobs) for world in server.realm.worlds.values()) == 9
    assert (tmp_path / "state.json.broken").read_text() == text
    assert "cannot be read" in caplog.text
    assert json.loads(path.read_text())["version"] == 1


def test_a_change_is_written_soon_and_whole(
    tmp_path: Path, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    realm = Realm()
    keeper = store.Keeper(realm, tmp_path / "state.json")
    realm.dirty = True
    keeper.flush()
    first = keeper.path.stat().st_mtime_ns
    keeper.flush()
    assert keeper.path.stat().st_mtime_ns == first
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def age(path: Path, days: int) -> None:
    """Make a state file look as if it had been left some days ago."""
    kept = json.loads(path.read_text())
    back = timedelta(days=days)
    for world in kept["worlds"].values():
        for job in world["jobs"]:
            job["lastUpdated"] = iso_exact(parse(job["lastUpdated"]) - back)
            payload = job["payload"]
            payload["createTime"] = iso(parse(payload["createTime"]) - back)
            for one in payload.get("appointments", ()):
                at = one["appointmentTime"]
                at["startTime"] = iso(parse(at["startTime"]) - back)
    path.write_text(json.dumps(kept))


@pytest.mark.parametrize("days", [3, 60])
def test_a_world_that_slept_has_work_today(tmp_path: Path, days: int) -> None:
    path = tmp_path / "state.json"
    with SandboxServer(jobs=200, state=path):
        pass
    age(path, days)
    with SandboxServer(jobs=200, state=path) as server:
        now = datetime.now(UTC)
        jobs = [job for world in server.realm.worlds.values() for job in world.jobs.values()]
    assert len(jobs) >= 200
    open_ = [window_of(one.active() or {}) for one in jobs if one.status == "NOT_SERVICED"]
    soon = [
        start for start, _ in open_ if now - timedelta(hours=16) < start < now + timedelta(days=2)
    ]
    stale = [end for _, end in open_ if end < now - timedelta(days=2)]
    assert len(soon) >= 10
    assert len(stale) <= len(jobs) * 0.1
