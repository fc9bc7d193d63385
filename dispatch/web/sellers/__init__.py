"""The owners' screens of seller accounts: connect, test, authorise, switches, reason codes.

Credentials are entered here and never shown again.
"""
