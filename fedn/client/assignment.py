"""Asking the reducer where to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fedn.rpc.http import Http


@dataclass(frozen=True)
class Assignment:
    """A combiner, the token for it, and the package to run there."""

    combiner: str
    host: str
    port: int
    token: str
    """Good for this client's name at this combiner."""
    package_sha256: str
    """Empty while no package is set."""


def request_assignment(
    http: Http, *, name: str, instance: str, preferred: str = "", needs_package: bool = True
) -> Assignment:
    """A place at a combiner.

    Raises:
        Unavailable: No combiner has room at the moment.
        NameInUse: Another live client holds the name.
    """
    body = {"name": name, "instance": instance, "preferred": preferred, "needs_package": needs_package}
    answer: dict[str, Any] = http.post("/api/v1/assignments", body)
    package = answer["package"] or {}
    return Assignment(
        combiner=answer["combiner"],
        host=answer["host"],
        port=answer["port"],
        token=answer["token"],
        package_sha256=package.get("id", ""),
    )
