"""The list of sessions is allauth's: what ours knew moves there, and nobody is logged out."""

from django.db import migrations

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104
"""Ours kept no address, and allauth's column must hold one."""


def move_sessions(apps, schema_editor):
    alias = schema_editor.connection.alias
    kept = apps.get_model("dispatch", "OpenSession").objects.using(alias)
    listed = apps.get_model("usersessions", "UserSession").objects.using(alias)
    listed.bulk_create(
        (
            listed.model(
                user_id=row.person_id,
                session_key=row.key,
                user_agent=row.device,
                created_at=row.since,
                last_seen_at=row.seen_at,
                ip=UNKNOWN_ADDRESS,
            )
            for row in kept.order_by("pk").iterator(chunk_size=1000)
        ),
        batch_size=1000,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("dispatch", "0008_sorted_where_they_lie"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(move_sessions, migrations.RunPython.noop),
        migrations.DeleteModel("OpenSession"),
    ]
