"""The state store in MongoDB: the contract, and what a server adds that others use, that goes away and comes back."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from contract.state_moves import Opened, never
from contract.state_store import StateStoreContract
from contract.state_values import combiner, model
from servers import MongoServer, running
from waiting import DEADLINE

from fedn.config import MongoSettings
from fedn.errors import ConfigError, Conflict, NotFound, Unavailable
from fedn.stores import mongo_lease
from fedn.stores.documents import Combiner, Model
from fedn.stores.mongo import MongoStateStore
from fedn.stores.protocols import Insert

COUNT_UP = """
import sys
from dataclasses import replace
from fedn.config import MongoSettings
from fedn.errors import StaleRevision
from fedn.stores.documents import Combiner
from fedn.stores.mongo import MongoStateStore
from fedn.stores.protocols import Put

store, done = MongoStateStore(MongoSettings(host=sys.argv[1], port=int(sys.argv[2])), network_id=sys.argv[3]), 0
while done < 30:
    combiner, revision = store.get_record(Combiner, "c")
    try:
        store.write(Put(replace(combiner, port=combiner.port + 1), revision=revision))
        done += 1
    except StaleRevision:
        pass
store.close()
"""

LEAD = """
import sys, threading
from fedn.config import MongoSettings
from fedn.stores.mongo import MongoStateStore

store = MongoStateStore(MongoSettings(host="127.0.0.1", port=int(sys.argv[1])), network_id=sys.argv[2])
store.lead("the first", on_lost=lambda: None)
print("leads", flush=True)
threading.Event().wait()
"""

SECRET = "s3cret-Pa55word"


@pytest.fixture
def store(mongo: MongoSettings, network_id: str) -> Iterator[MongoStateStore]:
    with contextlib.closing(MongoStateStore(mongo, network_id=network_id)) as store:
        yield store


@pytest.fixture
def opened(mongo: MongoSettings, network_id: str) -> Iterator[Opened]:
    with contextlib.ExitStack() as stack:
        names = {"same": network_id}
        yield lambda name: stack.enter_context(
            contextlib.closing(MongoStateStore(mongo, network_id=names.get(name, f"{network_id[:40]}-{name}")))
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    """One of the test's own, to be killed."""
    with running(MongoServer(tmp_path / "server")) as server:
        yield server


@pytest.fixture
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_lease, "LEASE_SECONDS", 0.5)


class TestMongoStateStore(StateStoreContract):
    pass


def test_collections_have_the_names_and_fields_that_operators_look_for(
    store: MongoStateStore, mongo: MongoSettings, network_id: str
) -> None:
    store.write(Insert(combiner("c", port=12080)), Insert(model("m", session_id="s", number=1)))
    client = store._connection.client
    assert {"_id": "c", "host": "localhost", "port": 12080}.items() <= client[network_id][
        "network.combiners"
    ].find_one().items()
    assert client[network_id]["control.model"].find_one({"session_id": "s"})["number"] == 1
    assert {"seq_1", "session_id_1"} <= client[network_id]["control.model"].index_information().keys()


def test_processes_share_a_database(mongo: MongoSettings, network_id: str, store: MongoStateStore) -> None:
    store.write(Insert(combiner("c", port=0)))
    command = [sys.executable, "-c", COUNT_UP, mongo.host, str(mongo.port), network_id]
    writers = [subprocess.Popen(command) for _ in range(2)]
    assert [writer.wait(DEADLINE) for writer in writers] == [0, 0]
    assert store.get(Combiner, "c") == combiner("c", port=60)


def test_a_killed_server_has_all_it_acknowledged_and_the_store_goes_on(server: MongoServer) -> None:
    settings = server.settings(timeout=1.0)
    with contextlib.closing(MongoStateStore(settings, network_id="n")) as store:
        for number in range(20):
            store.write(Insert(model(f"a{number}")), Insert(combiner(f"a{number}")))
        server.kill()
        for attempt in (
            lambda: store.get(Model, "a0"),
            lambda: store.count(Model),
            lambda: store.write(Insert(model("lost"))),
        ):
            with pytest.raises(Unavailable, match=f"127.0.0.1:{server.port}"):
                attempt()
        with pytest.raises(Unavailable, match=f"127.0.0.1:{server.port}"):
            MongoStateStore(settings, network_id="n")
        server.start()
        store.write(Insert(model("b")))
        assert [document.id for _, document in store.find(Model, newest_first=False)] == [
            *(f"a{number}" for number in range(20)),
            "b",
        ]
        assert store.count(Combiner) == 20


@pytest.mark.usefixtures("short_lease")
def test_who_was_killed_is_followed_when_its_lease_is_over(server: MongoServer) -> None:
    with contextlib.closing(MongoStateStore(server.settings(), network_id="n")) as store:
        command = [sys.executable, "-c", LEAD, str(server.port), "n"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout is not None
            assert next(first.stdout) == "leads\n"
            with pytest.raises(Conflict, match="led by the first"):
                store.lead("the second", on_lost=never)
            with pytest.raises(Conflict, match="led by the first"):
                store.write(Insert(model("m")))
            first.kill()
        # The first's lease, of the usual length, is put to an end: nobody waits for it here.
        store._heads.update_one({"_id": "head"}, [{"$set": {"lease.until": "$$NOW"}}])
        store.lead("the second", on_lost=never)
        store.write(Insert(model("m")))


@pytest.mark.usefixtures("short_lease")
def test_who_was_followed_writes_no_more_and_is_told_once(
    mongo: MongoSettings, network_id: str, opened: Opened
) -> None:
    lost: list[str] = []
    told = threading.Event()
    first, second = opened("same"), opened("same")
    assert isinstance(first, MongoStateStore)
    first.lead("the first", on_lost=lambda: (lost.append("first"), told.set()))
    first.write(Insert(model("a")))
    # As after an outage in which the lease ran out: its renewals are late, another is faster.
    first._heads.update_one({"_id": "head"}, [{"$set": {"lease.holder": "the second", "lease.epoch": "another"}}])
    for _ in range(2):
        with pytest.raises(Conflict, match="the second"):
            first.write(Insert(model("b")))
    assert told.wait(DEADLINE)
    first.close()
    assert lost == ["first"]
    assert second.count(Model) == 1


def test_an_outage_longer_than_the_lease_is_survived_where_nobody_followed(
    server: MongoServer, short_lease: None, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(MongoStateStore(server.settings(timeout=0.5), network_id="n")) as store:
        store.lead("the first", on_lost=never)
        server.kill()
        with pytest.raises(Unavailable):
            store.write(Insert(model("lost")))
        server.start()
        store._heads.update_one({"_id": "head"}, [{"$set": {"lease.until": {"$subtract": ["$$NOW", 60_000]}}}])
        store.write(Insert(model("m")))
        assert store.count(Model) == 1


def test_no_password_is_ever_shown(server: MongoServer, caplog: pytest.LogCaptureFixture) -> None:
    settings = server.settings(username="fedn", password=SECRET)
    assert SECRET not in repr(settings)
    with caplog.at_level(logging.DEBUG), contextlib.suppress(ConfigError, Unavailable):
        MongoStateStore(settings, network_id="n").close()
    assert SECRET not in caplog.text


def test_a_uri_in_place_of_a_host_is_refused_without_its_password(mongo: MongoSettings) -> None:
    with pytest.raises(ConfigError, match="names hosts, not a URI") as caught:
        MongoStateStore(replace(mongo, host=f"mongodb://fedn:{SECRET}@localhost"), network_id="n")
    assert SECRET not in str(caught.value)


def test_a_standalone_server_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with (
        running(MongoServer(tmp_path / "server", "--standalone")) as server,
        pytest.raises(ConfigError, match=r"no transactions.*--replSet"),
    ):
        MongoStateStore(server.settings(), network_id="n")


def test_a_database_that_was_half_loaded_takes_nothing_but_another_load(opened: Opened, store: MongoStateStore) -> None:
    store.write(Insert(model("m")))
    other = opened("other")
    assert isinstance(other, MongoStateStore)
    other._heads.update_one({"_id": "head"}, {"$set": {"loading": True}})
    fresh = opened("other")
    for attempt in (lambda: fresh.count(Model), lambda: fresh.get(Model, "m"), lambda: fresh.write(Insert(model("n")))):
        with pytest.raises(ConfigError, match="once more"):
            attempt()
    fresh.load(store.dump())
    assert fresh.get(Model, "m") == model("m")


def test_a_lease_that_ran_out_leads_nobody(store: MongoStateStore, opened: Opened) -> None:
    other = opened("same")
    store.lead("the first", on_lost=never)
    store._heads.update_one({}, [{"$set": {"lease.until": "$$NOW"}}])
    assert other.leader() == ""


def test_where_no_database_is_none_is_made_for_a_look(mongo: MongoSettings, network_id: str) -> None:
    with pytest.raises(NotFound, match=f"has no database {network_id} yet.*first start"):
        MongoStateStore(mongo, network_id=network_id, make=False)
    with contextlib.closing(MongoStateStore(mongo, network_id=f"{network_id[:40]}-other")) as other:
        client = other._connection.client
        assert client[network_id].list_collection_names() == []
        MongoStateStore(mongo, network_id=network_id).close()
        MongoStateStore(mongo, network_id=network_id, make=False).close()


def test_what_a_later_version_adds_is_made_at_its_first_start(store: MongoStateStore, opened: Opened) -> None:
    store.write(Insert(combiner("c")))
    store._database.drop_collection("control.model")
    later = opened("same")
    assert {"seq_1", "session_id_1"} <= store._database["control.model"].index_information().keys()
    assert later.get(Combiner, "c") == combiner("c")
