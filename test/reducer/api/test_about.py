from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from fedn.security.tokens import Role
from fedn.version import __version__


def test_it_says_what_it_is_and_what_it_runs_on(shared: Any) -> None:
    found = shared.http(Role.VIEWER).get("/api/v1/about")
    assert (found["version"], found["python"], found["licence"]) == (
        __version__,
        platform.python_version(),
        "Apache-2.0",
    )
    libraries = {one["name"].lower(): one for one in found["libraries"]}
    assert libraries["flask"]["version"] == version("flask")
    assert libraries["flask"]["licence"].startswith("BSD")
    # Of the extra `server`, of FEDn itself, and of those that these require.
    assert {"pymongo", "grpcio", "werkzeug", "dnspython"} <= libraries.keys()
    assert not {"fedn", "pytest", "scikit-learn"} & libraries.keys()
    assert [one for one in libraries.values() if not (one["licence"] and one["home"].startswith("http"))] == []
