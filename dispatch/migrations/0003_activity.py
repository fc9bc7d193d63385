"""The log of activity, begun with what was recorded of buyer data opened and exported."""

from django.db import migrations, models

import dispatch.models.fields
from dispatch.models.activity import BEFORE_THE_FIRST, COLUMNS, mac, new_key, row_hash

KINDS = {"export": "exported", "open": "buyer_data_opened"}


def move_records(apps, schema_editor):
    here = schema_editor.connection.alias
    Activity = apps.get_model("dispatch", "Activity")
    key, number, last = new_key(), 0, BEFORE_THE_FIRST
    batch = []
    records = apps.get_model("dispatch", "AccessRecord").objects.using(here).order_by("at", "pk")
    for record in records.select_related("person", "seller").iterator(chunk_size=1000):
        number += 1
        row = Activity(
            number=number,
            at=record.at,
            kind=KINDS[record.kind],
            person_id=record.person_id,
            person_email=record.person.email if record.person else "",
            seller_id=record.seller_id,
            seller_name=record.seller.name if record.seller else "",
            subject=record.subject,
            detail={"what": "jobs", "rows": record.jobs} if record.kind == "export" else {},
        )
        row.hash = last = row_hash(key, last, tuple(getattr(row, name) for name in COLUMNS))
        batch.append(row)
        if len(batch) == 1000:
            Activity.objects.using(here).bulk_create(batch)
            batch = []
    Activity.objects.using(here).bulk_create(batch)
    if number:
        seal = mac(key, "head", [number, last, 0, BEFORE_THE_FIRST])
        apps.get_model("dispatch", "ActivityHead").objects.using(here).create(
            key=key, number=number, hash=last, seal=seal
        )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0002_lists_in_order")]

    operations = [
        migrations.CreateModel(
            name="ActivityHead",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("key", dispatch.models.fields.SealedTextField(owner="pk")),
                ("number", models.BigIntegerField(default=0)),
                ("hash", models.CharField(default=BEFORE_THE_FIRST, max_length=64)),
                ("anchor_number", models.BigIntegerField(default=0)),
                ("anchor_hash", models.CharField(default=BEFORE_THE_FIRST, max_length=64)),
                ("seal", models.CharField(max_length=64)),
                ("checked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=30)),
                ("person_id", models.BigIntegerField(null=True)),
                ("person_email", models.CharField(blank=True, max_length=254)),
                ("seller_id", models.UUIDField(null=True)),
                ("seller_name", models.CharField(blank=True, max_length=100)),
                ("subject", models.CharField(blank=True, max_length=254)),
                ("origin", models.CharField(blank=True, max_length=45)),
                ("detail", models.JSONField(default=dict)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name_plural": "activity",
                "indexes": [
                    models.Index(fields=["seller_id", "at", "number"], name="activity_of_seller"),
                    models.Index(fields=["person_id", "at", "number"], name="activity_of_person"),
                    models.Index(fields=["kind", "at", "number"], name="activity_of_kind"),
                    models.Index(fields=["subject", "at", "number"], name="activity_on_subject"),
                ],
            },
        ),
        migrations.RunPython(move_records, migrations.RunPython.noop),
        migrations.DeleteModel("AccessRecord"),
    ]
