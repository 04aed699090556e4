from __future__ import annotations

import socket
from typing import Any

import pytest
from cryptography import x509
from waiting import DEADLINE

from fedn.client.assignment import request_assignment
from fedn.combiner.enrolment import announce, request_identity
from fedn.errors import Conflict, Forbidden, InvalidInput, NameInUse, NotFound, Unavailable
from fedn.security.tls import new_key_and_request
from fedn.security.tokens import Role, TokenVerifier


def names_in(certificate_pem: bytes) -> set[str]:
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def test_a_combiner_gets_a_certificate_and_what_it_checks_tokens_with(shared: Any) -> None:
    identity = request_identity(shared.http(Role.COMBINER), name="c1", host="combiner.example")
    assert names_in(identity.certificate_pem) == {"combiner.example"}
    assert identity.certificate_pem.endswith(shared.services.authority.certificate_pem)
    assert identity.network_id == "fedn-network"
    token = shared.services.tokens.for_client("a", combiner="c1", parent="")
    claims = TokenVerifier(identity.token_key, identity.network_id).verify(token, now=0, audience="combiner c1")
    assert claims.subject == "a"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", socket.gethostname()])
def test_a_combiner_on_the_same_machine_is_reached_by_its_local_names_too(shared: Any, host: str) -> None:
    identity = request_identity(shared.http(Role.COMBINER), name="c1", host=host)
    assert names_in(identity.certificate_pem) == {host, "localhost", "127.0.0.1", "::1"}


def test_a_certificate_takes_a_request_and_a_host_that_are_some(shared: Any) -> None:
    http = shared.http(Role.COMBINER)
    csr = new_key_and_request("c")[1].decode()
    for body in ({"csr": "no pem", "host": "h"}, {"csr": csr, "host": "no host!"}, {"csr": csr, "host": ""}, {}):
        with pytest.raises(InvalidInput):
            http.post("/api/v1/combiners/c1/certificate", body)


def test_a_token_for_one_combiner_is_good_for_that_one(shared: Any) -> None:
    http = shared.http(Role.COMBINER, "c1")
    request_identity(http, name="c1", host="h")
    with pytest.raises(Forbidden, match="for 'c1', not for 'c2'"):
        request_identity(http, name="c2", host="h")
    with pytest.raises(Forbidden):
        announce(http, name="c2", host="h", port=1, max_clients=1)


def test_an_announced_combiner_is_shown_and_dialled(reducer: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(DEADLINE)
        announce(reducer.http(Role.COMBINER), name="c1", host="127.0.0.1", port=port, max_clients=7)
        listener.accept()[0].close()
    viewer = reducer.http(Role.VIEWER)
    shown = viewer.get("/api/v1/combiners/c1")
    assert (shown["name"], shown["host"], shown["port"], shown["max_clients"]) == ("c1", "127.0.0.1", port, 7)
    assert [item["name"] for item in viewer.get("/api/v1/combiners")["items"]] == ["c1"]
    assert viewer.get("/api/v1/events")["items"][0]["kind"] == "combiner_joined"
    with pytest.raises(NotFound):
        viewer.get("/api/v1/combiners/c2")


def test_a_second_combiner_of_a_connected_one_s_name_is_refused(reducer: Any) -> None:
    reducer.add_combiner("c1")
    with pytest.raises(NameInUse, match="connected already"):
        announce(reducer.http(Role.COMBINER), name="c1", host="elsewhere", port=1, max_clients=1)
    shown = reducer.services.network.combiner("c1")
    announce(reducer.http(Role.COMBINER), name="c1", host=shown.host, port=shown.port, max_clients=5)
    assert reducer.services.network.combiner("c1").max_clients == 5


@pytest.mark.parametrize("name", ["", "x" * 101, "a/b", "a\\b", "a\nb", "a\u2028b", "..", ".hidden"])
def test_a_name_that_is_none_is_refused(shared: Any, name: str) -> None:
    with pytest.raises(InvalidInput, match="is no name"):
        request_assignment(shared.http(Role.CLIENT), name=name, instance="i")


def test_a_name_without_a_utf8_form_is_refused(shared: Any) -> None:
    client = shared.raw(shared.token(Role.CLIENT))
    answer = client.post("/api/v1/assignments", content=rb'{"name": "\ud800"}')
    assert answer.status_code == 400


def test_a_client_is_assigned_with_a_token_for_its_combiner_alone(reducer: Any, make_package: Any) -> None:
    reducer.add_combiner("c1")
    package = reducer.http(Role.OPERATOR).upload("/api/v1/packages", make_package(), name="p.tgz")
    assignment = request_assignment(reducer.http(Role.CLIENT), name="åsa 1", instance="i")
    combiner = reducer.services.network.combiner("c1")
    assert (assignment.combiner, assignment.host, assignment.port) == ("c1", combiner.host, combiner.port)
    assert assignment.package_sha256 == package["id"]
    verifier = TokenVerifier(reducer.services.tokens.public_key, "fedn-network")
    claims = verifier.verify(assignment.token, now=0, audience="combiner c1")
    assert (claims.role, claims.subject) == (Role.CLIENT, "åsa 1")


def test_an_assignment_dies_with_the_token_that_it_came_from(reducer: Any) -> None:
    reducer.add_combiner("c1")
    document, token = reducer.services.tokens.issue(Role.CLIENT, days=1)
    answer = reducer.raw(token).post("/api/v1/assignments", json={"name": "a"}).json()
    assert answer["package"] is None
    reducer.http(Role.OPERATOR).post(f"/api/v1/tokens/{document.id}/revoke")
    verifier = TokenVerifier(reducer.services.tokens.public_key, "fedn-network")
    with pytest.raises(Exception, match="revoked"):
        verifier.verify(answer["token"], now=0, audience="combiner c1", revoked=reducer.services.tokens.revoked)


def test_no_place_for_a_client(reducer: Any) -> None:
    http = reducer.http(Role.CLIENT)
    with pytest.raises(Unavailable):
        request_assignment(http, name="a", instance="i")
    reducer.add_clients("a")
    with pytest.raises(NameInUse):
        request_assignment(http, name="a", instance="another")
    with pytest.raises(Forbidden, match="for 'a', not for 'b'"):
        request_assignment(reducer.http(Role.CLIENT, "a"), name="b", instance="i")


def test_the_network_is_shown_whole(reducer: Any) -> None:
    reducer.add_clients("a", "b")
    viewer = reducer.http(Role.VIEWER)
    network = viewer.get("/api/v1/network")
    assert network["reducer"]["network_id"] == "fedn-network"
    assert network["reducer"]["state"] == "setup"
    assert [one["name"] for one in network["combiners"]] == ["c1"]
    assert network["clients"] == viewer.get("/api/v1/clients")["items"]
    assert {(edge["source"], edge["target"]) for edge in network["edges"]} == {
        ("reducer", "c1"),
        ("c1", "a"),
        ("c1", "b"),
    }


def events(http: Any) -> list[str]:
    return [event["kind"] for event in http.get("/api/v1/events", level="audit")["items"]]


def test_operators_alone_change_the_network(shared: Any) -> None:
    viewer = shared.http(Role.VIEWER)
    for ask in (
        lambda: viewer.post("/api/v1/combiners/c1/drain"),
        lambda: viewer.post("/api/v1/combiners/c1/resume"),
        lambda: viewer.delete("/api/v1/combiners/c1"),
        lambda: viewer.post("/api/v1/clients/a/reassign", {"combiner": "c1"}),
        lambda: viewer.delete("/api/v1/clients/a"),
    ):
        with pytest.raises(Forbidden):
            ask()


def test_a_drained_combiner_without_clients_is_removed_and_may_join_again(reducer: Any) -> None:
    reducer.add_combiner("c1")
    operator = reducer.http(Role.OPERATOR)
    with pytest.raises(Conflict, match="c1 is connected and takes clients"):
        operator.delete("/api/v1/combiners/c1")
    drained = operator.post("/api/v1/combiners/c1/drain")
    assert (drained["connected"], drained["draining"], drained["drained"]) == (True, True, True)
    assert drained["round_trip"] > 0
    shown = reducer.services.network.combiner("c1")
    announce(reducer.http(Role.COMBINER), name="c1", host=shown.host, port=shown.port, max_clients=5)
    assert operator.get("/api/v1/combiners/c1")["drained"]
    assert not operator.post("/api/v1/combiners/c1/resume")["drained"]
    operator.post("/api/v1/combiners/c1/drain")
    assert operator.delete("/api/v1/combiners/c1")["name"] == "c1"
    assert operator.get("/api/v1/network")["combiners"] == []
    with pytest.raises(Unavailable, match="was removed"):
        reducer.services.links.get("c1")
    reducer.services.links.give_up("c1")
    reducer.services.links.doubt("c1", "its round broke off")
    for ask in (operator.delete, operator.get):
        with pytest.raises(NotFound):
            ask("/api/v1/combiners/c1")
    for path in ("drain", "resume"):
        with pytest.raises(NotFound):
            operator.post(f"/api/v1/combiners/c1/{path}")
    announce(reducer.http(Role.COMBINER), name="c1", host=shown.host, port=shown.port, max_clients=5)
    assert not operator.get("/api/v1/combiners/c1")["drained"]
    assert events(operator) == [
        "combiner_joined",
        "combiner_removed",
        "combiner_drained",
        "combiner_resumed",
        "combiner_joined",
        "combiner_drained",
        "combiner_joined",
    ]


def test_a_combiner_out_of_reach_is_removed(reducer: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    announce(reducer.http(Role.COMBINER), name="c1", host="127.0.0.1", port=port, max_clients=7)
    reducer.http(Role.OPERATOR).delete("/api/v1/combiners/c1")
    assert reducer.services.network.combiners() == []


def test_a_removed_client_is_cut_off(reducer: Any) -> None:
    reducer.add_clients("a", "b")
    operator = reducer.http(Role.OPERATOR)
    with pytest.raises(Conflict, match="a came with a token that is good for any name") as refused:
        operator.delete("/api/v1/clients/a?revoke=true")
    assert "fedn token create --role client --name a" in refused.value.hint
    assert operator.delete("/api/v1/clients/a") == {"name": "a", "combiner": "c1", "revoked_token": ""}
    reducer._await(lambda: [one.name for one in reducer.services.network.clients()] == ["b"])
    assert events(operator)[0] == "client_removed"
    with pytest.raises(NotFound, match="no client 'a'"):
        operator.delete("/api/v1/clients/a")
    with pytest.raises(InvalidInput):
        operator.delete("/api/v1/clients/b?revoke=maybe")


def test_a_client_is_removed_with_its_own_token_also_while_it_is_not_connected(reducer: Any) -> None:
    reducer.add_combiner("c1")
    document, token = reducer.services.tokens.issue(Role.CLIENT, days=1, subject="a")
    asked = reducer.raw(token)
    assert asked.post("/api/v1/assignments", json={"name": "a"}).status_code == 200
    operator = reducer.http(Role.OPERATOR)
    removed = operator.delete("/api/v1/clients/a?revoke=true")
    assert removed == {"name": "a", "combiner": "", "revoked_token": document.id}
    assert asked.post("/api/v1/assignments", json={"name": "a"}).status_code == 401
    with pytest.raises(NotFound):
        operator.delete("/api/v1/clients/a?revoke=true")


def test_what_can_t_be_moved_is_refused_and_keeps_no_place(reducer: Any) -> None:
    reducer.add_clients("a")
    operator = reducer.http(Role.OPERATOR)
    for client, combiner, kind in (("a", "c9", NotFound), ("z", "c1", NotFound), ("a", "c1", Conflict)):
        with pytest.raises(kind):
            operator.post(f"/api/v1/clients/{client}/reassign", {"combiner": combiner})
    for body in ({}, {"combiner": ""}, {"combiner": "c1", "more": 1}):
        with pytest.raises(InvalidInput):
            operator.post("/api/v1/clients/a/reassign", body)
    assert "client_reassigned" not in events(operator)


def test_a_moved_client_arrives(reducer: Any) -> None:
    reducer.add_clients("a")
    reducer.add_combiner("c2")
    operator = reducer.http(Role.OPERATOR)
    moved = operator.post("/api/v1/clients/a/reassign", {"combiner": "c2"})
    assert moved == {"name": "a", "combiner": "c1", "target": "c2"}
    reducer._await(lambda: [one.combiner for one in reducer.services.network.clients()] == ["c2"])
    assert events(operator)[0] == "client_reassigned"
