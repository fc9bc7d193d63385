"""The log of activity and the alarms, for owners and auditors.

It only reads: rows are written by `dispatch.services.audit`.
"""
