"""What every service may raise to say no to a person."""

from __future__ import annotations


class CannotBeDone(Exception):
    """What a person asked for cannot be done; the text says why, in a sentence for them."""
