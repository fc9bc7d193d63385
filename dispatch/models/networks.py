"""What is kept of a client's address: its network, which tells no person's days."""

from __future__ import annotations

import ipaddress

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104
"""Stands for an address that nobody knows, in a column that must hold one."""


def network_of(address: str) -> str:
    """Return an address's network, ``203.0.113.0/24`` or ``2001:db8:1::/48``; "" for none."""
    try:
        bits = 24 if ipaddress.ip_address(address).version == 4 else 48
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
