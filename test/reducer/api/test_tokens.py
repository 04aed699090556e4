from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import pytest
import yaml

from fedn.errors import InvalidInput, NotFound, Unauthenticated
from fedn.rpc.http import connect
from fedn.security.join import JoinString
from fedn.security.tokens import Role


@pytest.mark.parametrize("role", ["client", "combiner", "viewer", "operator"])
def test_a_token_joins_by_its_join_string(reducer: Any, role: str) -> None:
    made = reducer.http(Role.OPERATOR).post("/api/v1/tokens", {"role": role, "days": 2})
    join = JoinString.parse(made["join"])
    assert (join.host, join.port, join.token) == ("localhost", reducer.port, made["token"])
    assert made["expires_at"] == pytest.approx(time.time() + 2 * 86_400, abs=60)
    connect(join).close()
    assert reducer.services.tokens.verify(made["token"]).role == role


@pytest.mark.parametrize("role", ["client", "combiner", "viewer", "operator"])
def test_a_client_s_token_comes_as_a_settings_file_too(reducer: Any, make_package: Any, role: str) -> None:
    http = reducer.http(Role.OPERATOR)
    package = http.upload("/api/v1/packages", make_package())
    made = http.post("/api/v1/tokens", {"role": role})
    where = {"discover_host": "localhost", "discover_port": reducer.port}
    controller = {**where, "token": made["token"], "checksum": package["md5"]}
    settings = {"network_id": "fedn-network", "controller": controller}
    assert yaml.safe_load(made["settings"]) == (settings if role == "client" else None)


def test_a_token_may_be_for_one_name(reducer: Any) -> None:
    made = reducer.http(Role.OPERATOR).post("/api/v1/tokens", {"role": "client", "name": "a"})
    assert reducer.services.tokens.verify(made["token"]).subject == "a"


def test_how_long_it_is_good_for_is_by_default_what_the_settings_say(start_reducer: Any) -> None:
    with ExitStack() as stack:
        http = start_reducer(stack, client_token_days=3, combiner_token_days=5).http(Role.OPERATOR)
        for role, days in (("client", 3), ("combiner", 5)):
            expires = http.post("/api/v1/tokens", {"role": role})["expires_at"]
            assert expires == pytest.approx(time.time() + days * 86_400, abs=60)


def test_the_settings_name_a_better_address_than_this_machine_s_own(start_reducer: Any) -> None:
    with ExitStack() as stack:
        reducer = start_reducer(stack, names=("fedn.example",))
        made = reducer.http(Role.OPERATOR).post("/api/v1/tokens", {"role": "client"})
        assert JoinString.parse(made["join"]).host == "fedn.example"


@pytest.mark.parametrize(
    "wrong", [{}, {"role": "reducer"}, {"role": "client", "days": 0}, {"role": "client", "days": 1e9}, {"role": "x"}]
)
def test_a_token_that_nobody_may_have_is_refused(shared: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        shared.http(Role.OPERATOR).post("/api/v1/tokens", wrong)


def test_tokens_are_listed_but_never_shown_and_revoked_for_good(reducer: Any) -> None:
    http = reducer.http(Role.OPERATOR)
    made = http.post("/api/v1/tokens", {"role": "viewer"})
    [listed] = [one for one in http.get("/api/v1/tokens")["items"] if one["id"] == made["id"]]
    assert listed["revoked_at"] is None
    assert made["token"] not in str(listed)
    viewer = reducer.raw(made["token"])
    assert viewer.get("/api/v1/models").status_code == 200
    revoked = http.post(f"/api/v1/tokens/{made['id']}/revoke")
    assert revoked["revoked_at"] is not None
    assert viewer.get("/api/v1/models").status_code == 401
    assert http.post(f"/api/v1/tokens/{made['id']}/revoke") == revoked
    with pytest.raises(Unauthenticated, match="revoked"):
        reducer.services.tokens.verify(made["token"])
    with pytest.raises(NotFound):
        http.post("/api/v1/tokens/none/revoke")


def test_what_operators_do_is_written_down(reducer: Any) -> None:
    http = reducer.http(Role.OPERATOR)
    made = http.post("/api/v1/tokens", {"role": "viewer"})
    http.post(f"/api/v1/tokens/{made['id']}/revoke")
    kinds = [event["kind"] for event in http.get("/api/v1/events", level="audit")["items"]]
    assert kinds == ["token_revoked", "token_created"]


@pytest.mark.parametrize(
    ("settings", "warned"),
    [({"host": "0.0.0.0"}, True), ({"host": "0.0.0.0", "names": ("fedn.example",)}, False), ({}, False)],
)
def test_a_join_string_that_is_good_here_only_comes_with_a_warning(
    start_reducer: Any, settings: dict[str, Any], warned: bool
) -> None:
    """Where others can dial the reducer. One that listens on the loopback device alone has no others."""
    with ExitStack() as stack:
        made = start_reducer(stack, **settings).http(Role.OPERATOR).post("/api/v1/tokens", {"role": "client"})
        assert ("set names in the reducer's settings" in made["warning"]) == warned
        assert bool(made["warning"]) == warned
        assert (JoinString.parse(made["join"]).host == "localhost") == ("names" not in settings)
