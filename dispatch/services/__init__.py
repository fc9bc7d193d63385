"""What can be done: one wing for each reason to do it, and one module for what is a noun alone.

Nothing here knows a request or a page; who may know whom is proved by import-linter.
"""
