"""What newcomers are given: the join strings for members on the reducer's own machine, and settings for clients."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from fedn.config import ReducerSettings
from fedn.errors import InvalidInput, Unauthenticated
from fedn.reducer import packages
from fedn.reducer.services import Services
from fedn.reducer.tokens import DAY
from fedn.security import private
from fedn.security.join import JoinString
from fedn.security.tokens import Role

_SHARE_LEFT = 0.1
"""A token that has less than this share of its life left is replaced."""


def default_days(settings: ReducerSettings, role: Role) -> int:
    """How long a token of this role is good for."""
    days = {Role.CLIENT: settings.client_token_days, Role.COMBINER: settings.combiner_token_days}
    return days.get(role, settings.operator_token_days)


def leave_join_strings(services: Services, *, port: int) -> None:
    """Write `join/operator`, `join/combiner` and `join/client` of the data folder, with tokens that are still good."""
    host = services.settings.host
    here = "localhost" if is_local(host) else host
    for role in (Role.OPERATOR, Role.COMBINER, Role.CLIENT):
        path = services.settings.data_dir / "join" / role.value
        found = _found(path)
        if found is None or not _good(services, found, role):
            _, token = services.tokens.issue(role, days=default_days(services.settings, role), created_by="reducer")
            found = JoinString.parse(services.tokens.join_string(token, host=here, port=port))
        private.write(path, f"{replace(found, host=here, port=port)}\n".encode())


def client_settings(services: Services, token: str, *, host: str, port: int) -> str:
    """A settings file (YAML) for clients with this token, who reach the reducer by this address."""
    controller: dict[str, Any] = {"discover_host": host, "discover_port": port, "token": token}
    package = packages.active(services)
    if package is not None:
        controller["checksum"] = package.md5
    return yaml.safe_dump({"network_id": services.settings.network_id, "controller": controller}, sort_keys=False)


def is_local(host: str) -> bool:
    """Whether this is an address of the machine itself (loopback), or all of its addresses."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def _found(path: Path) -> JoinString | None:
    try:
        return JoinString.parse(path.read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, InvalidInput):
        return None


def _good(services: Services, found: JoinString, role: Role) -> bool:
    try:
        claims = services.tokens.verify(found.token)
    except Unauthenticated:
        return False
    left = claims.expires_at - time.time()
    days = default_days(services.settings, role)
    return (
        claims.role is role and found.fingerprint == services.authority.fingerprint and left > _SHARE_LEFT * days * DAY
    )
