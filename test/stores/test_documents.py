"""The documents' way into and out of plain bodies."""

from __future__ import annotations

import json

import pytest

from fedn.stores.document import Body, Document
from fedn.stores.documents import Model, Session, Validation

SESSION = Session(id="s", rounds=2, created_at=1.0, parameters={"rate": 0.1}, seed=None)
MODEL = Model(id="m", size=8, sha256="ab", committed_at=2.0, updates=[{"client": "c"}], metrics={"loss": 0.5})


@pytest.mark.parametrize("document", [SESSION, MODEL])
def test_a_body_is_json_and_leads_back(document: Document) -> None:
    body = json.loads(json.dumps(document.to_body()))
    assert type(document).from_body(body) == document


def test_keys_of_a_newer_version_are_left_out() -> None:
    assert Session.from_body({**SESSION.to_body(), "invented_later": [1]}) == SESSION


def test_keys_that_an_older_version_did_not_write_take_their_defaults() -> None:
    body: Body = {"id": "s", "rounds": 2, "created_at": 1.0}
    assert Session.from_body(body) == Session(id="s", rounds=2, created_at=1.0)


def test_defaults_are_not_shared() -> None:
    first = Session(id="a", rounds=1, created_at=0.0)
    first.parameters["rate"] = 1
    assert Session(id="b", rounds=1, created_at=0.0).parameters == {}


def test_kinds_are_distinct_collections() -> None:
    kinds = [kind.KIND for kind in Document.__subclasses__()]
    assert len(set(kinds)) == len(kinds)
    assert all(kind.startswith(("network.", "control.")) for kind in kinds)
    assert Validation.KIND in kinds
