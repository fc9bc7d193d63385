"""Everything that changes something at Amazon: the ledger, and one module for each kind of write.

Nothing here draws a page or keeps a job, and no other wing writes to Amazon.
"""
