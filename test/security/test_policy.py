from __future__ import annotations

import pytest

from fedn.errors import Forbidden, Unauthenticated
from fedn.proto import fedn_pb2
from fedn.security.policy import LEGACY_RPCS, PUBLIC, ROUTES, RPCS, authorize
from fedn.security.tokens import Claims, Role

METHODS = {
    f"/{service.full_name}/{method.name}"
    for service in fedn_pb2.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
EVERYBODY = {None, *Role}


def claims(role: Role | None) -> Claims | None:
    return None if role is None else Claims("t", role, "", "net", issued_at=0, expires_at=1)


def may(table: str, key: str, role: Role | None) -> bool:
    try:
        authorize({"rpcs": RPCS, "routes": ROUTES}[table], key, claims(role))
    except (Forbidden, Unauthenticated):
        return False
    return True


def test_the_table_of_rpcs_is_that_of_the_wire() -> None:
    assert set(RPCS) == METHODS


def test_no_rpc_is_public_or_closed_to_all() -> None:
    for key, rule in RPCS.items():
        assert rule != PUBLIC, key
        assert rule, key


@pytest.mark.parametrize("key", sorted(METHODS))
def test_people_and_other_combiners_have_no_business_at_a_combiner(key: str) -> None:
    allowed = {role for role in EVERYBODY if may("rpcs", key, role)}
    assert allowed
    assert allowed <= {Role.CLIENT, Role.REDUCER}


@pytest.mark.parametrize(
    "key",
    [
        "/grpc.Rounds/Run",
        "/grpc.Rounds/SetPolicy",
        "/grpc.Control/Configure",
        "/grpc.Combiner/SendModelUpdateRequest",
        "/grpc.Connector/ReassignClient",
    ],
)
def test_clients_give_no_orders(key: str) -> None:
    assert not may("rpcs", key, Role.CLIENT)


def test_clients_of_2021_call_what_clients_may() -> None:
    assert {key for key in LEGACY_RPCS if may("rpcs", key, Role.CLIENT)} == LEGACY_RPCS
    assert not any(key.startswith(("/grpc.Tasks/", "/grpc.Transfers/", "/grpc.Rounds/")) for key in LEGACY_RPCS)


def test_the_ca_is_for_all_to_see() -> None:
    assert {role for role in EVERYBODY if may("routes", "GET /api/v1/ca", role)} == EVERYBODY


def test_what_is_not_in_the_table_is_denied() -> None:
    for role in EVERYBODY:
        with pytest.raises(Forbidden, match="open to nobody"):
            authorize(RPCS, "/grpc.Combiner/Nothing", claims(role))


def test_the_error_says_what_is_missing() -> None:
    with pytest.raises(Unauthenticated, match=r"takes a token.*client or reducer"):
        authorize(RPCS, "/grpc.ModelService/Download", None)
    with pytest.raises(Forbidden, match=r"not for the role viewer.*client or reducer"):
        authorize(RPCS, "/grpc.ModelService/Download", claims(Role.VIEWER))
