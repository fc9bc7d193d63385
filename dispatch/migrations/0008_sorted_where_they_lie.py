"""Indexes of spans that hold the order of the list too: few jobs are sorted without being read."""

from django.db import migrations, models

SPANS = (
    ("created_key", "changed_at", "52e14c", "356b83"),
    ("changed_at", "created_key", "4ecab3", "92d416"),
)


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0007_found_by_status_and_month")]

    operations = [
        operation
        for moment, other, before, after in SPANS
        for operation in (
            migrations.AddIndex(
                "servicejob",
                models.Index(
                    fields=["seller", "status", moment, "id", other, "scheduled_key"],
                    name=f"dispatch_se_seller__{after}_idx",
                ),
            ),
            migrations.RemoveIndex("servicejob", f"dispatch_se_seller__{before}_idx"),
        )
    ]
