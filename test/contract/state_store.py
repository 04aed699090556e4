"""What every state store keeps to. An implementation's test subclasses the suite and gives it an empty `store`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
from contract.state_moves import StateMovesContract
from contract.state_values import StateValuesContract, combiner, model, validation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedn.errors import Conflict, InvalidInput, StaleRevision
from fedn.stores.documents import Combiner, Model, Session, Token, Validation
from fedn.stores.protocols import Change, Delete, Insert, Put, StateStore

SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
"""What is meant to be so: examples share a store, and stores a suite."""


def outcomes(*attempts: Callable[[], None]) -> list[type[Exception] | None]:
    """What each attempt raised, when all are let go at once, each in a thread of its own."""
    start = Barrier(len(attempts))

    def run(attempt: Callable[[], None]) -> type[Exception] | None:
        start.wait()
        try:
            attempt()
        except StaleRevision as error:
            return type(error)
        return None

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))


class StateStoreContract(StateValuesContract, StateMovesContract):
    def test_an_inserted_document_comes_back_equal(self, store: StateStore) -> None:
        session = Session(id="s", rounds=3, created_at=1.5, seed=7, parameters={"rate": [0.1, {"deep": None}]})
        store.write(Insert(session), Insert(combiner("c")))
        assert store.get(Session, "s") == session
        assert store.get(Combiner, "c") == combiner("c")

    def test_ids_belong_to_their_kind(self, store: StateStore) -> None:
        store.write(Insert(combiner("same")), Insert(model("same")))
        store.write(Delete(Combiner, "same"))
        assert store.get(Combiner, "same") is None
        assert store.get(Model, "same") == model("same")

    def test_what_is_absent_is_none(self, store: StateStore) -> None:
        assert store.get(Model, "m") is None
        assert store.get_record(Model, "m") is None
        assert store.find(Model) == []
        assert store.count(Model) == 0
        store.write(Delete(Model, "m"))

    def test_an_id_is_inserted_once(self, store: StateStore) -> None:
        store.write(Insert(combiner("c", port=1)))
        with pytest.raises(Conflict, match=r"network\.combiners.*'c'"):
            store.write(Insert(combiner("c", port=2)))
        assert store.get(Combiner, "c") == combiner("c", port=1)

    def test_put_without_revision_replaces_or_adds(self, store: StateStore) -> None:
        store.write(Put(combiner("c", port=1)))
        store.write(Put(combiner("c", port=2)))
        assert store.get(Combiner, "c") == combiner("c", port=2)

    def test_put_with_revision_needs_the_current_one(self, store: StateStore) -> None:
        store.write(Insert(combiner("c", port=1)))
        record = store.get_record(Combiner, "c")
        assert record is not None
        store.write(Put(combiner("c", port=2), revision=record[1]))
        with pytest.raises(StaleRevision, match=str(record[1])):
            store.write(Put(combiner("c", port=3), revision=record[1]))
        assert store.get(Combiner, "c") == combiner("c", port=2)

    def test_put_with_revision_needs_a_document(self, store: StateStore) -> None:
        with pytest.raises(StaleRevision):
            store.write(Put(combiner("c"), revision=1))
        assert store.get(Combiner, "c") is None

    def test_a_revision_is_of_no_use_after_deletion(self, store: StateStore) -> None:
        store.write(Insert(combiner("c", port=1)))
        record = store.get_record(Combiner, "c")
        assert record is not None
        store.write(Delete(Combiner, "c"))
        store.write(Insert(combiner("c", port=2)))
        with pytest.raises(StaleRevision):
            store.write(Put(combiner("c", port=3), revision=record[1]))

    @pytest.mark.parametrize("bad", [Insert(combiner("old", port=2)), Put(combiner("old"), revision=0)])
    def test_a_write_is_all_or_nothing(self, store: StateStore, bad: Change) -> None:
        store.write(Insert(combiner("old")), Insert(model("m")))
        with pytest.raises(Conflict):
            store.write(
                Insert(combiner("new")), Delete(Model, "m"), Put(combiner("old", port=9)), bad, Insert(model("n"))
            )
        assert [document for _, document in store.find(Combiner)] == [combiner("old")]
        assert [document for _, document in store.find(Model)] == [model("m")]

    @settings(max_examples=60, deadline=None, suppress_health_check=SHARED)
    @given(
        history=st.lists(
            st.lists(
                st.tuples(
                    st.sampled_from(["insert", "put", "swap", "delete"]),
                    st.sampled_from("abc"),
                    st.integers(0, 1 << 40),
                ),
                max_size=4,
            ),
            max_size=8,
        )
    )
    def test_it_behaves_like_a_dict(self, store: StateStore, history: list[list[tuple[str, str, int]]]) -> None:
        """A dict keeps keys in order of insertion, as `seq` does, and forgets a deleted key's place."""
        store.clear([Combiner])
        state: dict[str, int] = {}
        for step in history:
            revisions = {name: record[1] for name in "abc" if (record := store.get_record(Combiner, name))}
            expected, touched, allowed = dict(state), set(), True
            changes: list[Change] = []
            for verb, name, value in step:
                if verb == "delete":
                    changes.append(Delete(Combiner, name))
                    expected.pop(name, None)
                elif verb == "insert":
                    changes.append(Insert(combiner(name, port=value)))
                    allowed &= name not in expected
                    expected[name] = value
                elif verb == "put":
                    changes.append(Put(combiner(name, port=value)))
                    expected[name] = value
                else:
                    changes.append(Put(combiner(name, port=value), revision=revisions.get(name, 0)))
                    allowed &= name in expected and name not in touched
                    expected[name] = value
                touched.add(name)
            if allowed:
                store.write(*changes)
                state = expected
            else:
                with pytest.raises(Conflict):
                    store.write(*changes)
            found = store.find(Combiner, newest_first=False)
            assert [(document.id, document.port) for _, document in found] == list(state.items())
            assert [seq for seq, _ in found] == sorted({seq for seq, _ in found})
            assert store.count(Combiner) == len(state)

    def test_seq_is_never_reused(self, store: StateStore) -> None:
        store.write(Insert(model("a")), Insert(model("b")))
        newest = store.find(Model)[0][0]
        store.write(Delete(Model, "b"))
        store.write(Insert(model("c")))
        assert store.find(Model)[0][0] > newest
        store.clear([Model])
        store.write(Insert(model("d")))
        assert store.find(Model)[0][0] > newest + 1

    def test_replacing_keeps_the_place(self, store: StateStore) -> None:
        store.write(Insert(combiner("a")), Insert(combiner("b")))
        store.write(Put(combiner("a", port=2)))
        assert [document.id for _, document in store.find(Combiner)] == ["b", "a"]

    def test_pages(self, store: StateStore) -> None:
        store.write(*(Insert(model(str(number), session_id="ab"[number % 2])) for number in range(10)))
        seqs = [seq for seq, _ in store.find(Model)]
        assert seqs == sorted(seqs, reverse=True)

        def ids(**options: Any) -> list[str]:
            return [document.id for _, document in store.find(Model, where={"session_id": "a"}, **options)]

        assert ids() == ["8", "6", "4", "2", "0"]
        assert ids(limit=2) == ["8", "6"]
        assert ids(limit=2, before=seqs[3]) == ["4", "2"]  # the document 6
        assert ids(after=seqs[5]) == ["8", "6"]  # the document 4
        assert ids(after=seqs[5], before=seqs[1]) == ["6"]
        assert ids(limit=1, newest_first=False, after=seqs[5]) == ["6"]
        assert ids(limit=0) == []

    def test_where_compares_every_type_of_field(self, store: StateStore) -> None:
        token = Token(id="t", role="client", subject="", created_at=0.0, expires_at=2.5)
        revoked = Token(id="u", role="client", subject="bob", created_at=0.0, expires_at=2.5, revoked_at=1.0)
        stopped = Session(id="s", rounds=3, created_at=0.0, stop_requested=True)
        store.write(Insert(token), Insert(revoked), Insert(stopped), Insert(Session(id="r", rounds=4, created_at=0.0)))

        def tokens(**where: str | float | None) -> set[str]:
            assert store.count(Token, where=where) == len(store.find(Token, where=where))
            return {document.id for _, document in store.find(Token, where=where)}

        assert tokens(role="client") == {"t", "u"}
        assert tokens(role="client", subject="bob") == {"u"}
        assert tokens(id="t") == {"t"}
        assert tokens(revoked_at=None) == {"t"}
        assert tokens(revoked_at=1.0) == {"u"}
        assert tokens(expires_at=2.5, subject="") == {"t"}
        assert tokens(role="operator") == set()
        assert [document.id for _, document in store.find(Session, where={"stop_requested": True})] == ["s"]
        assert [document.id for _, document in store.find(Session, where={"rounds": 4, "state": "queued"})] == ["r"]

    @pytest.mark.parametrize("name", ["nothing", "", "id = '' OR 1 --", "updates.client"])
    def test_where_needs_a_field_of_the_kind(self, store: StateStore, name: str) -> None:
        with pytest.raises(InvalidInput, match="no field"):
            store.find(Model, where={name: "x"})
        with pytest.raises(InvalidInput, match="no field"):
            store.count(Model, where={name: "x"})

    def test_clear_empties_the_kinds_it_is_given(self, store: StateStore) -> None:
        store.write(Insert(combiner("c")), Insert(model("m")), Insert(validation("v", data={})))
        store.clear([Model, Validation])
        assert (store.count(Combiner), store.count(Model), store.count(Validation)) == (1, 0, 0)

    def test_one_of_two_racing_swaps_wins(self, store: StateStore) -> None:
        store.write(Insert(combiner("c", port=0)))
        for _ in range(20):
            record = store.get_record(Combiner, "c")
            assert record is not None
            swaps = [Put(combiner("c", port=record[0].port + step), revision=record[1]) for step in (1, 2)]
            results = outcomes(*(partial(store.write, swap) for swap in swaps))
            assert sorted(map(str, results)) == sorted(map(str, [None, StaleRevision]))
            assert store.get(Combiner, "c") == swaps[results.index(None)].document

    def test_no_write_of_eight_threads_is_lost(self, store: StateStore) -> None:
        def write(thread: int) -> None:
            for number in range(40):
                store.write(Insert(model(f"{thread}-{number}", session_id=str(thread), number=number)))

        assert outcomes(*(partial(write, thread) for thread in range(8))) == [None] * 8
        assert len({seq for seq, _ in store.find(Model)}) == 8 * 40
        for thread in range(8):
            found = store.find(Model, where={"session_id": str(thread)}, newest_first=False)
            assert [document.number for _, document in found] == list(range(40))

    def test_a_reader_never_sees_half_a_write(self, store: StateStore) -> None:
        done = Event()

        def write() -> None:
            try:
                for number in range(40):
                    store.write(*(Insert(model(f"{number}-{part}")) for part in range(10)))
            finally:
                done.set()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            while not done.is_set():
                assert store.count(Model) % 10 == 0
                assert len(store.find(Model)) % 10 == 0
            writing.result()
        assert store.count(Model) == 400
