from __future__ import annotations

from typing import Any

import pytest

from fedn.errors import Unavailable
from fedn.version import __version__


def test_it_lives_and_can_work(shared: Any) -> None:
    http = shared.http(None)
    assert http.get("/api/v1/health") == {"status": "ok", "version": __version__}
    assert http.get("/api/v1/ready") == {"status": "ready", "version": __version__}


def test_it_lives_but_can_not_work_without_its_store(reducer: Any) -> None:
    http = reducer.http(None)
    reducer.services.state.close()
    assert http.get("/api/v1/health")["status"] == "ok"
    with pytest.raises(Unavailable):
        http.get("/api/v1/ready")


def test_the_ca_is_given_as_pem(shared: Any) -> None:
    assert shared.http(None).read("/api/v1/ca") == shared.services.authority.certificate_pem
