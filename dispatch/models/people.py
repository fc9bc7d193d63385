"""People, and what they may do for a seller."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PersonManager(BaseUserManager["Person"]):
    """Makes people, whose e-mail address is their log-in."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """A person and their one account, whatever sellers they work for."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, blank=True)
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    shortcuts = models.BooleanField("keyboard shortcuts", default=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    password_changed_at = models.DateTimeField(null=True, editable=False)
    second_factor_asked_at = models.DateTimeField(null=True, editable=False)
    """When the one log-in without a second factor was granted."""

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.password_changed_at = timezone.now()


class Membership(models.Model):
    """The role that a person has for a seller."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        DISPATCHER = "dispatcher", _("Dispatcher")
        TECHNICIAN = "technician", _("Technician")
        AUDITOR = "auditor", _("Auditor")

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    seller = models.ForeignKey("Seller", models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "seller"], name="one_role_per_seller")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} as {self.role}"


class Technician(models.Model):
    """A technician on a seller's roster, which is kept here because Amazon cannot list them."""

    seller = models.ForeignKey("Seller", models.CASCADE, related_name="technicians")
    person = models.ForeignKey(
        Person, models.SET_NULL, null=True, blank=True, related_name="technicians"
    )
    name = models.CharField(max_length=100)
    skills = models.JSONField(default=list, blank=True)
    colour = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class TechnicianResource(models.Model):
    """An Amazon resource id by which a technician is assigned."""

    technician = models.ForeignKey(Technician, models.CASCADE, related_name="resources")
    seller = models.ForeignKey("Seller", models.CASCADE, related_name="+")
    resource_id = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller", "resource_id"], name="one_technician_per_id")
        ]

    def __str__(self) -> str:
        return self.resource_id
