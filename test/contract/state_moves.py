"""What every state store keeps to where it is led, dumped, loaded and checked: a part of the suite in `state_store.py`.

An implementation's test gives `opened`: each call opens one more store, on the data of `store` by the name "same", on
data of its own by any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from contract.state_values import combiner, model, validation

from fedn.errors import Conflict
from fedn.stores.documents import Combiner, Model, Session, Validation
from fedn.stores.protocols import Delete, Insert, Put, Record, StateStore

Opened = Callable[[str], StateStore]


def never() -> None:
    pytest.fail("the lead was lost")


def filled(store: StateStore) -> None:
    """A store with a gap in its numbers, a document changed after others came, and values of all kinds."""
    store.write(Insert(combiner("a")), Insert(combiner("b")), Insert(model("m")))
    store.write(Put(combiner("a", port=2)), Delete(Combiner, "b"))
    store.write(Insert(Session(id="s", rounds=3, created_at=1.5, seed=1 << 70)))
    store.write(Insert(validation("v", metrics={"inf": math.inf}, data={"a.b": {"$c": [None, "\ud800"]}})))


class StateMovesContract:
    def test_a_dump_has_every_document_by_age_with_its_numbers(self, store: StateStore) -> None:
        filled(store)
        records = list(store.dump())
        assert [record.document for record in records] == [
            combiner("a", port=2),
            model("m"),
            Session(id="s", rounds=3, created_at=1.5, seed=1 << 70),
            validation("v", metrics={"inf": math.inf}, data={"a.b": {"$c": [None, "\ud800"]}}),
        ]
        assert [record.seq for record in records] == sorted({record.seq for record in records})
        assert store.get_record(Combiner, "a") == (combiner("a", port=2), records[0].revision)
        assert [(record.seq, record.document) for record in records[1:2]] == store.find(Model)

    def test_a_dump_is_of_one_moment(self, store: StateStore) -> None:
        store.write(*(Insert(model(str(number))) for number in range(100)))
        dump = store.dump()
        first = next(dump)
        store.write(Delete(Model, "50"), Put(model("60", number=9)), Insert(model("new")))
        assert [first.document, *(record.document for record in dump)] == [model(str(number)) for number in range(100)]

    def test_a_load_keeps_documents_and_numbers(self, store: StateStore, opened: Opened) -> None:
        filled(store)
        other = opened("other")
        other.load(store.dump())
        assert list(other.dump()) == list(store.dump())
        newest = max(max(record.seq, record.revision) for record in store.dump())
        other.write(Insert(model("next")))
        ((seq, _),) = other.find(Model, limit=1)
        assert seq > newest

    def test_a_loaded_store_works(self, store: StateStore, opened: Opened) -> None:
        filled(store)
        other = opened("other")
        other.load(store.dump())
        found = other.get_record(Combiner, "a")
        assert found is not None
        other.write(Put(combiner("a", port=3), found[1]))
        assert other.count(Validation, where={"client": "c"}) == 1
        with pytest.raises(Conflict):
            other.write(Insert(model("m")))

    def test_only_an_empty_store_is_loaded(self, store: StateStore, opened: Opened) -> None:
        filled(store)
        other = opened("other")
        other.write(Insert(model("own")))
        with pytest.raises(Conflict, match="has documents"):
            other.load(store.dump())
        assert [document for _, document in other.find(Model)] == [model("own")]
        other.write(Insert(model("more")))

    def test_nothing_is_loaded_from_nothing(self, store: StateStore, opened: Opened) -> None:
        opened("other").load(store.dump())
        assert list(store.dump()) == list(opened("other").dump()) == []

    def test_a_load_that_breaks_off_can_be_made_again(self, store: StateStore, opened: Opened) -> None:
        filled(store)

        def broken() -> Iterator[Record]:
            yield from list(store.dump())[:2]
            raise RuntimeError("gone")

        other = opened("other")
        with pytest.raises(RuntimeError, match="gone"):
            other.load(broken())
        opened("other").load(store.dump())
        assert list(other.dump()) == list(store.dump())

    @pytest.mark.parametrize("twice", [Record(2, 2, model("a")), Record(1, 1, model("b"))], ids=["id", "number"])
    def test_nothing_is_loaded_twice(self, store: StateStore, twice: Record) -> None:
        records = [Record(1, 1, model("a")), twice]
        with pytest.raises(Conflict, match="twice"):
            store.load(records)
        store.load(records[:1])
        assert list(store.dump()) == records[:1]

    def test_an_error_of_the_records_is_no_error_of_the_store(self, store: StateStore) -> None:
        def broken() -> Iterator[Record]:
            yield Record(1, 1, model("a"))
            raise OSError("the tape is torn")

        with pytest.raises(OSError, match="torn"):
            store.load(broken())

    def test_one_leads_and_the_next_is_told_who(self, store: StateStore, opened: Opened) -> None:
        other = opened("same")
        store.lead("reducer one on host-1", on_lost=never)
        store.write(Insert(model("m")))
        for _ in range(2):
            with pytest.raises(Conflict, match="reducer one on host-1"):
                other.lead("reducer two", on_lost=never)
        store.close()
        other.lead("reducer two", on_lost=never)
        other.write(Insert(model("n")))
        assert other.count(Model) == 2

    def test_who_leads_is_said_to_whoever_looks(self, store: StateStore, opened: Opened) -> None:
        other = opened("same")
        assert (store.leader(), other.leader()) == ("", "")
        store.lead("reducer one on host-1", on_lost=never)
        assert (store.leader(), other.leader()) == ("reducer one on host-1", "reducer one on host-1")
        store.write(Insert(model("m")))
        store.close()
        assert other.leader() == ""

    def test_a_check_says_what_the_store_is_and_leaves_nothing(self, store: StateStore) -> None:
        filled(store)
        before = list(store.dump())
        assert len(store.check()) > 10
        assert list(store.dump()) == before
