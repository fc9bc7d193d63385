"""Erasure in time: when a job was closed, and values that are bound to their very job."""

from django.db import migrations, models

import dispatch.models.fields
from dispatch.models.fields import Sealed
from dispatch.models.jobs import CLOSED_STATUSES, seal_owner
from dispatch.models.keyring import keyring

CHUNK = 500


def close_and_bind(apps, schema_editor):
    """Every job once, in its row's order. Raises `SealBroken` without its key."""
    manager = apps.get_model("dispatch", "ServiceJob")._default_manager
    kept = manager.using(schema_editor.connection.alias)
    columns = ("pk", "seller_id", "service_job_id", "status", "fetched_at", "scheduled_end",
               "buyer", "payload")  # fmt: skip
    last = 0
    while True:
        jobs = kept.filter(pk__gt=last).order_by("pk")
        chunk = list(jobs.values_list(*columns)[:CHUNK])
        for pk, seller_id, job_id, status, fetched_at, end, buyer, payload in chunk:
            owner = seal_owner(seller_id, job_id)
            closed = min(fetched_at, end) if end else fetched_at
            kept.filter(pk=pk).update(
                closed_at=closed if status in CLOSED_STATUSES else None,
                buyer=bind("buyer", buyer, seller_id, owner),
                payload=bind("payload", payload, seller_id, owner),
            )
        if len(chunk) < CHUNK:
            return
        last = chunk[-1][0]


def bind(field, value, seller_id, owner):
    if not value:
        return value
    place = f"dispatch.ServiceJob.{field}"
    return Sealed(keyring().seal(keyring().open(value, f"{place}:{seller_id}"), f"{place}:{owner}"))


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0003_activity"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("buyers", "Buyers of closed jobs"),
                            ("jobs", "Old jobs"),
                            ("seller", "Everything of a disconnected seller"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("seller_id", models.UUIDField(null=True)),
                ("seller_name", models.CharField(blank=True, max_length=100)),
                ("due_since", models.DateTimeField(null=True)),
                ("counts", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ["-at"],
            },
        ),
        migrations.AddField(
            model_name="seller",
            name="disconnected_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="seller",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="servicejob",
            name="closed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="servicejob",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="servicejob",
            name="origin",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="buyer",
            field=dispatch.models.fields.SealedJSONField(blank=True, owner="seal_owner"),
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="payload",
            field=dispatch.models.fields.SealedJSONField(blank=True, owner="seal_owner"),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                condition=models.Q(("erased_at", None)), fields=["closed_at"], name="job_to_erase"
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(fields=["seller_id", "at"], name="dispatch_er_seller__eb8f09_idx"),
        ),
        migrations.RunPython(close_and_bind, migrations.RunPython.noop),
    ]
