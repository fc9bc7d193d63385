"""Model fields whose values are sealed at rest and opened when they are read."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from dispatch.models.keyring import keyring

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class Sealed(str):
    """A sealed value as it stands in the database."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<sealed>"


class _OpenOnRead(DeferredAttribute):
    """Opens a sealed value the first time the attribute is read, and keeps it opened."""

    field: SealedTextField

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__.get(self.field.attname, self)
        if value is self:
            super().__get__(instance, cls)
            value = instance.__dict__[self.field.attname]
        if isinstance(value, Sealed):
            value = self.field.unseal(value, instance)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedTextField(_TextField):
    """Text, encrypted at rest for one model, field and owner.

    ``owner`` names the attribute whose value the ciphertext is bound to; it must be known before
    the first save. Values are written only through an instance: ``update()``, ``bulk_update()``
    and look-ups by value raise `TypeError`, because none of them knows the owner.
    """

    descriptor_class = _OpenOnRead

    def __init__(self, *args: Any, owner: str, **kwargs: Any) -> None:
        self.owner = owner
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "owner": self.owner}

    def place(self, instance: models.Model) -> str:
        """Return what the ciphertext is bound to: ``dispatch.Seller.refresh_token:<owner>``."""
        owner = getattr(instance, self.owner)
        if owner is None:
            raise ValueError(f"{self.name} cannot be sealed before {self.owner} is known")
        return self.place_of(owner)

    def place_of(self, owner: object) -> str:
        return f"{self.model._meta.label}.{self.name}:{owner}"

    def unseal(self, value: Sealed, instance: models.Model) -> Any:
        return self.decode(keyring().open(value, self.place(instance)))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__.get(self.attname)
        if isinstance(value, Sealed) or value in (None, ""):
            return value
        return Sealed(keyring().seal(self.encode(value), self.place(model_instance)))

    def seal(self, text: str, owner: object) -> Sealed:
        """Return an encoded value sealed for an owner's row, for code that writes rows directly."""
        return Sealed(keyring().seal(text, self.place_of(owner)))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return Sealed(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        if value in (None, "") or isinstance(value, Sealed):
            return value
        raise TypeError(f"{self.name} is sealed: write it through an instance and save()")

    def get_lookup(self, lookup_name: str) -> Any:
        # Only these ask `get_prep_value`; any other would search in ciphertext and find nothing.
        if lookup_name not in ("exact", "in", "isnull"):
            raise TypeError(f"{self.name} is sealed: it cannot be looked up by {lookup_name}")
        return super().get_lookup(lookup_name)

    def to_python(self, value: Any) -> Any:
        return value

    def encode(self, value: Any) -> str:
        return str(value)

    def decode(self, text: str) -> Any:
        return text


class SealedJSONField(SealedTextField):
    """A JSON value, encrypted at rest."""

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def encode(self, value: Any) -> str:
        # In ASCII: half of a surrogate pair, which JSON may carry, has no UTF-8.
        return json.dumps(value, separators=(",", ":"))

    def decode(self, text: str) -> Any:
        return json.loads(text)


class SealedBytesField(SealedTextField):
    """Bytes, encrypted at rest."""

    if TYPE_CHECKING:
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any

    def encode(self, value: Any) -> str:
        return base64.b64encode(value).decode()

    def decode(self, text: str) -> Any:
        return base64.b64decode(text)
