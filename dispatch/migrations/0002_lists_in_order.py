"""Columns and indexes that give every list its rows in order, however many there are.

References and words get another key, so their tables are made anew; the first load, begun again,
fills them: everything in them comes from Amazon's answer.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import dispatch.models.jobs

UNSCHEDULED = 253_370_764_800


def rows_of(apps, schema_editor, model):
    """A model's rows in the database that is migrated, whichever that is."""
    manager = apps.get_model("dispatch", model)._default_manager
    return manager.using(schema_editor.connection.alias)


def fill_sort_key(apps, schema_editor):
    kept = rows_of(apps, schema_editor, "ServiceJob")
    batch = []
    jobs = kept.exclude(scheduled_start=None).only("pk", "scheduled_start")
    for job in jobs.iterator(chunk_size=1000):
        job.scheduled_key = int(job.scheduled_start.timestamp())
        batch.append(job)
        if len(batch) == 1000:
            kept.bulk_update(batch, ["scheduled_key"])
            batch = []
    kept.bulk_update(batch, ["scheduled_key"])


def load_again(apps, schema_editor):
    rows_of(apps, schema_editor, "ServiceJob").update(digest="")
    rows_of(apps, schema_editor, "SyncJob").filter(kind="first_load").update(
        next_run_at=django.utils.timezone.now(),
        lease_until=None,
        page_token="",
        done=0,
        total=0,
        started_at=None,
        finished_at=None,
    )


def sweep_at_night(apps, schema_editor):
    tasks = rows_of(apps, schema_editor, "SyncJob")
    sellers = tasks.filter(kind="incremental").values_list("seller_id", flat=True)
    tasks.bulk_create([tasks.model(seller_id=seller, kind="sweep") for seller in sellers])


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_start")]

    operations = [
        migrations.RemoveIndex(
            model_name="servicejob",
            name="dispatch_se_seller__35d684_idx",
        ),
        migrations.RemoveIndex(
            model_name="servicejob",
            name="dispatch_se_seller__d8bd38_idx",
        ),
        migrations.RemoveIndex(
            model_name="servicejob",
            name="dispatch_se_seller__5c40b7_idx",
        ),
        migrations.RemoveIndex(
            model_name="servicejob",
            name="dispatch_se_seller__244af9_idx",
        ),
        migrations.DeleteModel("JobReference"),
        migrations.DeleteModel("JobWord"),
        migrations.RemoveField("servicejob", "scheduled_key"),
        migrations.AddField(
            "servicejob", "scheduled_key", models.BigIntegerField(default=UNSCHEDULED)
        ),
        migrations.RunPython(fill_sort_key, migrations.RunPython.noop),
        migrations.CreateModel(
            name="JobReference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job_id",
                        "kind",
                        "value",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("order", "Product order id"),
                            ("tracking", "Tracking id"),
                            ("skill", "Required skill"),
                            ("asin", "ASIN"),
                            ("resource", "Assigned resource id"),
                        ],
                        max_length=10,
                    ),
                ),
                ("value", models.CharField(max_length=100)),
                ("scheduled_key", models.BigIntegerField(default=UNSCHEDULED)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="references",
                        to="dispatch.servicejob",
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="dispatch.seller",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["seller", "kind", "value", "scheduled_key", "job"],
                        name="dispatch_jo_seller__9b50ba_idx",
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="JobWord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job_id",
                        "word_hash",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("word_hash", models.BigIntegerField()),
                ("scheduled_key", models.BigIntegerField(default=UNSCHEDULED)),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="words",
                        to="dispatch.servicejob",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["word_hash", "scheduled_key", "job"],
                        name="dispatch_jo_word_ha_aab346_idx",
                    )
                ]
            },
        ),
        migrations.AddField(
            model_name="syncjob",
            name="rung_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="status",
            field=models.CharField(
                blank=True,
                choices=[
                    ("PENDING_SCHEDULE", "Pending schedule"),
                    ("NOT_SERVICED", "Scheduled"),
                    ("HOLD", "Hold"),
                    ("COMPLETED", "Completed"),
                    ("CANCELLED", "Cancelled"),
                    ("NOT_FULFILLABLE", "Not fulfillable"),
                    ("PAYMENT_DECLINED", "Payment declined"),
                    ("GONE", "Gone from Amazon"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="changed_at",
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="seller",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="jobs",
                to="dispatch.seller",
            ),
        ),
        migrations.AlterField(
            model_name="syncjob",
            name="kind",
            field=models.CharField(
                choices=[
                    ("first_load", "First load"),
                    ("incremental", "What has changed"),
                    ("sweep", "Night sweep"),
                ],
                max_length=20,
            ),
        ),
        migrations.RemoveIndex(
            model_name="servicejob",
            name="dispatch_se_service_a267bd_idx",
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="service_job_id",
            field=dispatch.models.jobs.ByteOrderedField(max_length=100),
        ),
        migrations.AlterField(
            model_name="servicejob",
            name="service_order_id",
            field=dispatch.models.jobs.ByteOrderedField(blank=True, max_length=20),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=[
                    "seller",
                    "status",
                    "scheduled_key",
                    "id",
                    "appointment_status",
                    "scheduled_end",
                    "local_date",
                    "time_zone",
                ],
                name="job_by_schedule",
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "status", "created_key", "id", "scheduled_key"],
                name="dispatch_se_seller__5ddae5_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "status", "changed_at", "id", "scheduled_key"],
                name="dispatch_se_seller__0d5210_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "status", "title", "id"], name="dispatch_se_seller__062b94_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "status", "technician_names", "id"],
                name="dispatch_se_seller__5dc820_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "status", "city", "id"], name="dispatch_se_seller__db4cf4_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "status", "id"], name="dispatch_se_seller__94c7d9_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "store_id", "status", "scheduled_key", "id"],
                name="dispatch_se_seller__eea4d6_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "marketplace_id", "status", "scheduled_key", "id"],
                name="dispatch_se_seller__265e00_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "service_order_id"], name="dispatch_se_seller__7fa7c0_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="servicejob",
            index=models.Index(
                fields=["seller", "time_zone"], name="dispatch_se_seller__830e76_idx"
            ),
        ),
        migrations.RunPython(load_again, migrations.RunPython.noop),
        migrations.RunPython(sweep_at_night, migrations.RunPython.noop),
    ]
