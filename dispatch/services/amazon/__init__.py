"""The door to Amazon: clients for a seller, rate plans, tokens, and reads that no mirror keeps.

Nothing here knows the write ledger or stores jobs.
"""
