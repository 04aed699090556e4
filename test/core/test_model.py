from __future__ import annotations

from fedn.core.model import ClientState


def test_a_client_is_done_unless_it_is_asked_or_at_it() -> None:
    assert [state.value for state in ClientState if not state.final] == ["asked", "working", "uploading"]
