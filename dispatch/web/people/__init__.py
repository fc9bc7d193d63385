"""The owners' screens of people: roles, the roster, invitations, reviews of access.

What a person changes about themselves is in `dispatch.web.account`.
"""
