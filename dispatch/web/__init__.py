"""What people see: one package for each screen, and `shell` for what all of them share.

A view fetches through a guard, asks a service or a selector, and draws a template; no more.
"""
