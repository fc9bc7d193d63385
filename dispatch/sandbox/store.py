"""Keeps the sandbox's state between two starts: one JSON file, written whole or not at all."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

from dispatch.sandbox.realm import Realm
from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.times import iso_exact, parse
from dispatch.sandbox.world import Document, Job, Resource, World

log = logging.getLogger(__name__)

_VERSION = 1
_FLUSH_SECONDS = 1.0
_PLAIN = (
    "reservations",
    "slots",
    "cancellation_codes",
    "reschedule_codes",
    "require_fulfillment",
    "round_the_clock",
    "revoked",
    "role",
    "tokens_from",
    "token_seconds",
)


def dump(realm: Realm) -> JsonDict:
    frozen = realm.clock.frozen
    return {
        "version": _VERSION,
        "now": iso_exact(frozen) if frozen else None,
        "living": realm.living,
        "worlds": {name: _dump_world(world) for name, world in realm.worlds.items()},
    }


def _dump_world(world: World) -> JsonDict:
    kept: JsonDict = {name: getattr(world, name) for name in _PLAIN}
    kept["foreign"], kept["overbooked"] = sorted(world.foreign), sorted(world.overbooked)
    for name in ("jobs", "resources", "documents"):
        kept[name] = [one.as_dict() for one in getattr(world, name).values()]
    return kept


def load(realm: Realm, kept: JsonDict) -> None:
    if kept["version"] != _VERSION:
        raise ValueError(f"written by another version ({kept['version']})")
    realm.clock.frozen = parse(kept["now"]) if kept["now"] else None
    realm.living = kept["living"]
    for name in realm.worlds.keys() & kept["worlds"].keys():
        _load_world(realm, realm.worlds[name], kept["worlds"][name])


def _load_world(realm: Realm, world: World, kept: JsonDict) -> None:
    for name in _PLAIN:
        setattr(world, name, kept[name])
    world.foreign, world.overbooked = set(kept["foreign"]), set(kept["overbooked"])
    jobs = [Job.from_dict(one) for one in kept["jobs"]]
    resources = [Resource.from_dict(one) for one in kept["resources"]]
    documents = [Document.from_dict(one, realm.now()) for one in kept["documents"]]
    world.jobs = {one.id: one for one in jobs}
    world.resources = {one.id: one for one in resources}
    world.documents = {one.id: one for one in documents}


class Keeper:
    """Writes a changed realm to its file, at most once a second and when it stops."""

    def __init__(self, realm: Realm, path: Path) -> None:
        self.realm = realm
        self.path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def restore(self) -> bool:
        """Read the file; one that cannot be read is moved aside, and the world begins anew."""
        if not self.path.exists():
            return False
        try:
            load(self.realm, json.loads(self.path.read_text()))
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            aside = self.path.with_name(f"{self.path.name}.broken")
            self.path.replace(aside)
            log.warning(
                "The sandbox's state in %s cannot be read (%s). It is kept as %s, "
                "and the sandbox starts with a new world.",
                self.path,
                problem,
                aside,
            )
            self.realm.clear()
            self.realm.clock.frozen = None
            return False
        return True

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self.flush()

    def flush(self) -> None:
        if not self.realm.dirty and self.path.exists():
            return
        with self.realm.lock:
            self.realm.dirty = False
            text = json.dumps(dump(self.realm))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        beside.write_text(text)
        beside.chmod(0o600)
        beside.replace(self.path)

    def _run(self) -> None:
        while not self._stopped.wait(_FLUSH_SECONDS):
            try:
                self.flush()
            except OSError as problem:
                log.warning("The sandbox's state cannot be written: %s", problem)
