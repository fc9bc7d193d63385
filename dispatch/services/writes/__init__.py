"""Everything that changes something at Amazon: the ledger and one kind for each write.

Nothing here reads pages or people's accounts, and no other wing calls Amazon to write.
"""
