"""Starts the sandbox from a command line."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from dispatch.sandbox.server import SandboxServer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8787, help="port to listen on")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--jobs", type=int, default=400, help="jobs in the demo world")
    parser.add_argument(
        "--sellers", type=int, default=1, help="US sellers, each further one with as many jobs"
    )
    parser.add_argument("--seed", type=int, default=7, help="what the demo world is drawn from")
    parser.add_argument("--state", type=Path, help="file that keeps the world between starts")
    parser.add_argument(
        "--no-rate-limits", dest="rate_limits", action="store_false", help="never answer 429"
    )
    parser.add_argument(
        "--no-life", dest="life", action="store_false", help="buyers leave the world alone"
    )


def run(
    *,
    host: str,
    port: int,
    jobs: int,
    sellers: int,
    seed: int,
    state: Path | None,
    rate_limits: bool,
    life: bool,
) -> None:
    """Serve until SIGTERM or SIGINT, then write the state and leave."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        server = SandboxServer(
            host=host,
            port=port,
            jobs=jobs,
            sellers=sellers,
            seed=seed,
            state=state,
            rate_limits=rate_limits,
            life=life,
        )
    except OSError as problem:
        sys.exit(f"The sandbox cannot listen on {host}:{port}: {problem}")
    with server:
        count = sum(len(world.jobs) for world in server.realm.worlds.values())
        sys.stdout.write(f"Sandbox ready at {server.url} with {count} jobs\n")
        sys.stdout.flush()
        stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dispatch.sandbox", description=__doc__)
    add_arguments(parser)
    run(**vars(parser.parse_args()))
