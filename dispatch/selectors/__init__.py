"""All reads, one module for each noun, and the engine of the jobs' list in `listing`.

A selector asks the database and nothing else: it writes no row and calls no service.
"""
