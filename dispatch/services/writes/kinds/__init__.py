"""The kinds of write, one module each: the module says what it sends and declares its `KIND`.

A new kind is a new module here; nothing else lists them. `docs/architecture.md` shows the steps.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from dispatch.services.writes.kind import Kind

KINDS: dict[str, Kind] = {}
"""Every kind by its name, in the order of the buttons."""


def register(kind: Kind) -> None:
    """Make a kind known to the ledger and the screens. Raises ValueError for a name in use."""
    if kind.name in KINDS:
        raise ValueError(f"two kinds of write are named {kind.name}")
    KINDS[kind.name] = kind
    by_place = sorted(KINDS.values(), key=lambda one: one.place)
    KINDS.clear()
    KINDS.update((one.name, one) for one in by_place)


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises KeyError for none of ours."""
    return KINDS[name]


for _module in iter_modules(__path__):
    register(import_module(f"{__name__}.{_module.name}").KIND)
