"""Who may come in: accounts, invitations, passwords, second factors, sessions, lock-outs, reviews.

Nothing here knows jobs or Amazon.
"""
