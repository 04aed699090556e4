"""What every state store keeps to where values are odd: a part of the suite in `state_store.py`."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields

import pytest

from fedn.errors import InvalidInput
from fedn.stores.document import Body, Document
from fedn.stores.documents import KINDS, Combiner, Model, Validation
from fedn.stores.protocols import Change, Delete, Insert, Put, StateStore

HOSTILE_TEXT = [
    "'",
    '"; DROP TABLE document; --',
    "x' OR '1'='1",
    "$where",
    "a.b",
    "%",
    "\\u0000",
    "ñ🙂\n\t",
    "/../",
    "n" * 10_000,
]
UNSTORABLE_TEXT = ["a\0b", "\ud800"]


def combiner(name: str, *, port: int = 1) -> Combiner:
    return Combiner(id=name, host="localhost", port=port, max_clients=1, joined_at=0.0)


def model(name: str, *, session_id: str = "", number: int = 0) -> Model:
    return Model(id=name, size=1, sha256="", committed_at=0.0, session_id=session_id, number=number)


def validation(name: str, *, client: str = "c", metrics: dict[str, float] | None = None, data: Body) -> Validation:
    return Validation(
        id=name,
        model_id="m",
        session_id="s",
        round_id="r",
        client=client,
        combiner="",
        examples=1,
        metrics=metrics or {},
        data=data,
        at=0.0,
    )


_VALUES: dict[str, object] = {"str": "text", "int": 3, "float": 0.5, "bool": True}


def example(kind: type[Document]) -> Document:
    """A document of a kind, with something in all that it must have."""
    needed = [f for f in fields(kind) if f.name != "id" and f.default is MISSING and f.default_factory is MISSING]
    return kind(id="example", **{f.name: _VALUES.get(str(f.type), {}) for f in needed})


class StateValuesContract:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_kept_dumped_and_cleared(self, store: StateStore, kind: type[Document]) -> None:
        document = example(kind)
        store.write(Insert(document), Insert(combiner("another")))
        assert store.get(kind, "example") == document
        assert document in [record.document for record in store.dump()]
        store.clear([kind])
        assert store.get(kind, "example") is None

    @pytest.mark.parametrize("value", [math.nan, math.inf, 1 << 70, *UNSTORABLE_TEXT])
    def test_where_refuses_what_nothing_equals(self, store: StateStore, value: float | str) -> None:
        with pytest.raises(InvalidInput):
            store.find(Model, where={"size": value})

    @pytest.mark.parametrize("text", HOSTILE_TEXT)
    def test_any_text_is_a_value_and_an_id(self, store: StateStore, text: str) -> None:
        hostile = validation(text, client=text, data={text: text})
        store.write(Insert(hostile), Insert(validation("plain", data={})))
        assert store.get(Validation, text) == hostile
        assert [document for _, document in store.find(Validation, where={"client": text})] == [hostile]
        store.write(Delete(Validation, text))
        assert store.get(Validation, text) is None
        assert store.count(Validation) == 1

    @pytest.mark.parametrize("text", UNSTORABLE_TEXT)
    def test_some_text_is_no_id_but_survives_as_a_value(self, store: StateStore, text: str) -> None:
        attempts: list[Change] = [
            Insert(model(text)),
            Put(model(text)),
            Put(model(text), revision=1),
            Delete(Model, text),
        ]
        for attempt in attempts:
            with pytest.raises(InvalidInput):
                store.write(attempt)
        with pytest.raises(InvalidInput):
            store.get(Model, text)
        kept = validation("v", client=text, data={"text": text})
        store.write(Insert(kept))
        assert store.get(Validation, "v") == kept
        assert store.count(Validation, where={"client": text[:1].encode(errors="replace").decode()}) == 0

    def test_nan_and_infinity_survive(self, store: StateStore) -> None:
        numbers = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "tiny": 5e-324, "third": 1 / 3}
        store.write(Insert(validation("v", metrics=numbers, data={"list": [math.nan, -math.inf]})))
        store.write(Insert(combiner("c")), Put(Combiner(id="d", host="", port=1, max_clients=1, joined_at=math.nan)))
        ((_, found),) = store.find(Validation, where={"model_id": "m"})
        assert repr(found.metrics) == repr(numbers)
        assert repr(found.data) == "{'list': [nan, -inf]}"
        ((_, other),) = store.find(Combiner, where={"host": ""})
        assert math.isnan(other.joined_at)

    def test_deep_bodies_survive(self, store: StateStore) -> None:
        data: Body = {}
        for _ in range(200):
            data = {"in": [data]}
        store.write(Insert(validation("v", data=data)))
        assert store.get(Validation, "v") == validation("v", data=data)

    def test_a_document_in_hand_is_not_the_stored_one(self, store: StateStore) -> None:
        given_data = {"accuracy": 1.0}
        store.write(Insert(validation("v", data=given_data)))
        given_data["accuracy"] = 2.0
        found = store.get(Validation, "v")
        assert found is not None
        found.data["accuracy"] = 3.0
        assert store.get(Validation, "v") == validation("v", data={"accuracy": 1.0})
