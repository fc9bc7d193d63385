"""Starts the sandbox without Django: ``python -m dispatch.sandbox --port 8787``."""

from dispatch.sandbox.cli import main

main()
