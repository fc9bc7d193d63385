"""Columns by which a job is found in any status and any month, in order and without sorting."""

import datetime as dt

from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import ExtractMonth, ExtractYear

import dispatch.models.jobs

JOB_BY_MONTH = (
    ("created_month", "created_key", "job_by_month_created"),
    ("changed_month", "changed_at", "job_by_month_changed"),
)


def rows_of(apps, schema_editor, model):
    """A model's rows in the database that is migrated, whichever that is."""
    manager = apps.get_model("dispatch", model)._default_manager
    return manager.using(schema_editor.connection.alias)


def fill(apps, schema_editor):
    jobs = rows_of(apps, schema_editor, "ServiceJob")
    jobs.update(
        **{
            month: ExtractYear(F(moment), tzinfo=dt.UTC) * 100
            + ExtractMonth(F(moment), tzinfo=dt.UTC)
            for month, moment, _ in JOB_BY_MONTH
        }
    )
    status = Subquery(jobs.filter(pk=OuterRef("job_id")).values("status")[:1])
    for model in ("JobReference", "JobWord"):
        rows_of(apps, schema_editor, model).update(status=status)


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0006_people")]

    operations = [
        migrations.RemoveIndex("jobreference", "dispatch_jo_seller__9b50ba_idx"),
        migrations.RemoveIndex("jobword", "dispatch_jo_word_ha_aab346_idx"),
        migrations.RemoveIndex("servicejob", "dispatch_se_seller__5ddae5_idx"),
        migrations.RemoveIndex("servicejob", "dispatch_se_seller__0d5210_idx"),
        *(
            migrations.AddField(model, "status", models.CharField(blank=True, max_length=20))
            for model in ("jobreference", "jobword")
        ),
        *(
            migrations.AddField(
                "servicejob",
                month,
                dispatch.models.jobs.MonthField(of=moment, default=197001),
                preserve_default=False,
            )
            for month, moment, _ in JOB_BY_MONTH
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            "jobreference",
            models.Index(
                fields=["seller", "kind", "value", "status", "scheduled_key", "job"],
                name="dispatch_jo_seller__0b2d9b_idx",
            ),
        ),
        migrations.AddIndex(
            "jobword",
            models.Index(
                fields=["word_hash", "status", "scheduled_key", "job"],
                name="dispatch_jo_word_ha_5a5e3c_idx",
            ),
        ),
        migrations.AddIndex(
            "servicejob",
            models.Index(
                fields=["seller", "status", "created_key", "id", "changed_at"],
                name="dispatch_se_seller__52e14c_idx",
            ),
        ),
        migrations.AddIndex(
            "servicejob",
            models.Index(
                fields=["seller", "status", "changed_at", "id", "created_key"],
                name="dispatch_se_seller__4ecab3_idx",
            ),
        ),
        *(
            migrations.AddIndex(
                "servicejob",
                models.Index(
                    fields=["seller", month, "scheduled_key", "id", "status", moment], name=name
                ),
            )
            for month, moment, name in JOB_BY_MONTH
        ),
    ]
