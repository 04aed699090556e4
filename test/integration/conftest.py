from __future__ import annotations

import pytest

from fedn.rpc.retry import backoff


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has all in this process try again soon."""
    for module in ("fedn.rpc.discovery", "fedn.client.connection", "fedn.reducer.combiners"):
        monkeypatch.setattr(f"{module}.backoff", lambda **_: backoff(first=0.05, longest=0.5))
    monkeypatch.setattr("fedn.client.connection.PATIENCE_SECONDS", 0.5)
