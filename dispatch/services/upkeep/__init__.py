"""What an installation needs over the years: erasing, rotating keys, moving to another database.

Nothing that a page asks for while somebody waits belongs here.
"""
