"""The list of jobs, one job, and the dialogs of its writes.

Markup lies in `templates/jobs/`; what a write is lies in `dispatch.services.writes`.
"""
