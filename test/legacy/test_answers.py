"""The RPCs of 2021: what they answer."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from byhand import Desk
from legacy.old import Old, active, assign, listed, open_train, open_validate
from loopback import Federation
from waiting import within

from fedn.core import weights as w
from fedn.core.model import TaskKind
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = {"a": np.zeros(3, np.float32)}
UPDATE = w.to_bytes({"a": np.ones(3, np.float32)})


async def test_an_old_client_trains(here: Federation, desk: Desk, old: Old) -> None:
    run = desk.run(MODEL, "old")
    request = await within(old.train.read())
    assert (request.sender, request.receiver.name) == (pb.Client(name="c0", role=pb.COMBINER), "old")
    assert (request.correlation_id, request.model_id) == (run.id, run.plan.model.id)
    pieces = [one async for one in old.peer.models.Download(pb.ModelRequest(id=request.model_id))]
    assert {one.status for one in pieces[:-1]} == {pb.IN_PROGRESS}
    assert (pieces[-1].status, pieces[-1].data) == (pb.OK, b"")
    assert b"".join(one.data for one in pieces) == w.to_bytes(MODEL)
    assert (await old.update(request, UPDATE, meta='{"exec_training": 1.5}')).fate == pb.ACCEPTED
    await run.result()
    assert run.states() == {"old": "ANSWERED"}
    found = run.progress["old"]
    assert (found.num_examples, found.bytes, dict(found.seconds)) == (1, len(UPDATE), {"exec_training": 1.5})
    assert not here.spooled()


async def test_an_old_client_validates(desk: Desk, old: Old) -> None:
    run = desk.run(MODEL, "old", kind=TaskKind.VALIDATE)
    request = await within(old.validate.read())
    assert (await old.validation(request, '{"loss": 0.5}')).fate == pb.ACCEPTED
    await run.result()
    assert dict(run.progress["old"].metrics) == {"loss": 0.5}


@pytest.mark.parametrize("kind", [TaskKind.TRAIN, TaskKind.VALIDATE])
async def test_a_task_waits_for_the_stream_that_it_is_for(here: Federation, desk: Desk, kind: TaskKind) -> None:
    """After a cut, each of the two streams comes back by itself."""
    ways = {
        TaskKind.TRAIN: (open_train, pb.MODEL_UPDATE_REQUESTS),
        TaskKind.VALIDATE: (open_validate, pb.MODEL_VALIDATION_REQUESTS),
    }
    open_late, late = ways.pop(kind)
    ((open_early, early),) = ways.values()
    async with here.peer("older", token="") as peer, here.peer("witness") as witness:
        await witness.connect()
        first = open_early(peer)
        await listed(here, early, "older")
        assert "older" not in await active(desk, late)
        run = desk.run(MODEL, "older", "witness", kind=kind)
        await witness.task()  # so both were asked
        second = open_late(peer)
        assert (await within(second.read())).correlation_id == run.id
        run.call.cancel()
        first.cancel()
        second.cancel()


async def test_a_stream_that_opens_again_gets_the_task_again_and_the_other_does_not(desk: Desk, old: Old) -> None:
    run = desk.run(MODEL, "old")
    assert (await within(old.train.read())).correlation_id == run.id
    again = open_train(old.peer)
    request = await within(again.read())
    assert request.correlation_id == run.id
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await within(old.train.read())  # the former stream ends with an error, as only that has it open another
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    once_more = open_validate(old.peer)  # which has the round ask again
    with pytest.raises(grpc.aio.AioRpcError):
        await within(old.validate.read())
    assert (await old.update(request, UPDATE)).fate == pb.ACCEPTED
    await run.result()
    run = desk.run(MODEL, "old")
    assert (await within(again.read())).correlation_id == run.id  # and not the former task a second time
    run.call.cancel()
    again.cancel()
    once_more.cancel()


async def test_a_model_that_is_not_there(old: Old) -> None:
    pieces = [one async for one in old.peer.models.Download(pb.ModelRequest(id="none"))]
    assert [(one.status, one.data) for one in pieces] == [(pb.FAILED, b"")]


async def test_a_status_says_how_an_old_client_stands(desk: Desk, old: Old) -> None:
    run = desk.run(MODEL, "old")
    request = await within(old.train.read())
    status = {"sender": old.peer.sender, "data": f'{{"correlationId": "{request.correlation_id}"}}'}
    await old.peer.connector.SendStatus(
        pb.Status(log_level=pb.Status.AUDIT, type=pb.MODEL_UPDATE_REQUEST, status="begun", **status)
    )
    await run.until("old", pb.WORKING)
    await old.peer.connector.SendStatus(pb.Status(log_level=pb.Status.WARNING, status="no data", **status))
    assert (await run.until("old", pb.BROKEN)).detail == "no data"
    await run.result()


async def test_who_is_active(here: Federation, desk: Desk, old: Old) -> None:
    async with here.peer("ours") as ours:
        await ours.connect()
        for channel in (pb.DEFAULT, pb.MODEL_UPDATE_REQUESTS, pb.MODEL_VALIDATION_REQUESTS):
            assert await active(desk, channel) == ["old", "ours"]
        old.train.cancel()
        old.validate.cancel()
        await within(gone(desk, "old"))
        assert await active(desk, pb.MODEL_UPDATE_REQUESTS) == ["ours"]
    for channel in (pb.MODEL_UPDATES, pb.MODEL_VALIDATIONS, pb.STATUS):
        assert await active(desk, channel) == []


async def gone(desk: Desk, name: str) -> None:
    """Each look is a call to the combiner and back."""
    while name in await active(desk, pb.DEFAULT):
        pass


async def test_what_passes_through_can_be_watched(here: Federation, desk: Desk, old: Old) -> None:
    combiner, watcher = rpc.CombinerStub(desk.channel), pb.ClientAvailableMessage(sender=pb.Client(name="watcher"))
    updates = combiner.ModelUpdateStream(watcher, metadata=desk.metadata)
    validations = combiner.ModelValidationStream(watcher, metadata=desk.metadata)
    statuses = desk.connector.AllianceStatusStream(watcher, metadata=desk.metadata)
    for channel in (pb.MODEL_UPDATES, pb.MODEL_VALIDATIONS, pb.STATUS):
        await listed(here, channel, "watcher")
    await old.peer.connector.SendStatus(pb.Status(sender=old.peer.sender, status="hello"))
    assert (await within(statuses.read())).status == "hello"
    await old.validation(pb.ModelValidationRequest(correlation_id="none"), '{"loss": 1}')
    assert (await within(validations.read())).data == '{"loss": 1}'
    async with here.peer("ours") as ours:
        await ours.send("none", MODEL, examples=3, metrics={"loss": 2.0})
    update = await within(updates.read())
    assert (update.sender.name, update.num_examples, update.metrics["loss"]) == ("ours", 3, 2.0)
    assert not update.model
    for stream in (updates, validations, statuses):
        stream.cancel()


async def test_who_watches_is_told_of_the_end(tmp_path: Path) -> None:
    async with Federation(tmp_path) as network, network.desk() as desk:
        hello = pb.ClientAvailableMessage(sender=pb.Client(name="watcher"))
        statuses = desk.connector.AllianceStatusStream(hello, metadata=desk.metadata)
        await listed(network, pb.STATUS, "watcher")
        await network.combiners.pop("c0").stop()
        assert await within(statuses.read()) is grpc.aio.EOF


async def test_a_request_is_passed_on_and_its_answer_discarded(here: Federation, desk: Desk) -> None:
    combiner = rpc.CombinerStub(desk.channel)
    run = desk.run(MODEL, "nobody", seconds=0.1)  # has the combiner serve the model
    await run.result()
    model_id = run.plan.model.id
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(here.peer("ours"))
        await ours.connect()
        old, older = [await Old.connect(here, stack, name) for name in ("old", "older")]
        wanted = {"sender": pb.Client(name="reducer", role=pb.REDUCER), "model_id": model_id}
        request = pb.ModelUpdateRequest(correlation_id="by hand", data="{}", **wanted)
        response = await combiner.SendModelUpdateRequest(request, metadata=desk.metadata)
        assert response.response == "receivers: 3"
        task = await ours.task()
        assert (task.id, task.type, task.model.data, task.parameters) == ("by hand", pb.TRAIN, w.to_bytes(MODEL), "{}")
        assert (await ours.send("by hand", MODEL)).fate == pb.DISCARDED
        for one in (old, older):
            got = await within(one.train.read())
            assert (got.sender.role, got.model_id, got.correlation_id, got.data) == (
                pb.COMBINER,
                model_id,
                "by hand",
                "{}",
            )
        assert (await old.update(got, UPDATE)).fate == pb.DISCARDED
        assert not here.spooled()
        only = pb.ModelValidationRequest(receiver=older.peer.sender, **wanted)
        response = await combiner.SendModelValidationRequest(only, metadata=desk.metadata)
        assert response.response == "receivers: 1"
        found = await within(older.validate.read())
        assert (await older.validation(found, "{}")).fate == pb.DISCARDED
        for missing in (
            pb.ModelUpdateRequest(receiver=pb.Client(name="eve"), **wanted),
            pb.ModelUpdateRequest(model_id="no such model"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await combiner.SendModelUpdateRequest(missing, metadata=desk.metadata)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_combiner_reports_and_is_commanded_by_nobody(here: Federation, desk: Desk) -> None:
    report = await desk.control.Report(pb.ControlRequest(), metadata=desk.metadata)
    assert report.sender == pb.Client(name="c0", role=pb.COMBINER)
    told = {one.key: one.value for one in report.parameter}
    assert (told["state"], told["nr_active_clients"], told["max_clients"]) == ("idle", "0", "10000")
    change = pb.ControlRequest(command=pb.START, parameter=[pb.Parameter(key="max_clients", value="1")])
    for command in (desk.control.Start, desk.control.Stop, desk.control.Configure):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await command(change, metadata=desk.metadata)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert await desk.control.Report(pb.ControlRequest(), metadata=desk.metadata) == report


async def test_the_newest_model_is_named_and_sums_are_for_the_reducer_alone(tmp_path: Path) -> None:
    async with (
        Federation(tmp_path, combiner={"inline_bytes": 1}) as network,
        network.desk() as desk,
        network.peer("ours") as ours,
    ):
        newest = rpc.ReducerStub(ours.channel).GetGlobalModel
        with pytest.raises(grpc.aio.AioRpcError, match="no model was staged"):
            await newest(pb.GetGlobalModelRequest(), metadata=ours.metadata)
        await ours.connect()
        run = desk.run(MODEL, "ours")
        await ours.task()
        await ours.send(run.id, UPDATE)
        partial = (await run.result()).partial
        assert not partial.data  # it is to be fetched
        named = await newest(pb.GetGlobalModelRequest(sender=ours.sender), metadata=ours.metadata)
        assert (named.sender.name, named.receiver, named.model_id) == ("c0", ours.sender, run.plan.model.id)
        assert (await download(ours.models, partial.id, ours.metadata))[0].status == pb.FAILED
        for model_id in (run.plan.model.id, partial.id):
            assert (await download(desk.models, model_id, desk.metadata))[-1].status == pb.OK
        assert (await download(desk.models, run.plan.model.id, desk.metadata))[-1].status == pb.OK
        assert (await download(desk.models, partial.id, desk.metadata))[-1].status == pb.FAILED  # once


async def download(models: Any, file_id: str, metadata: Any) -> list[pb.ModelResponse]:
    return [one async for one in models.Download(pb.ModelRequest(id=file_id), metadata=metadata)]


async def test_an_old_client_can_be_had_connect_again_but_not_be_moved(desk: Desk, old: Old) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="stays with the combiner") as caught:
        await desk.connector.ReassignClient(pb.ReassignRequest(receiver=old.peer.sender), metadata=desk.metadata)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    await desk.connector.ReconnectClient(pb.ReconnectRequest(receiver=old.peer.sender), metadata=desk.metadata)
    for stream in (old.train, old.validate):
        with pytest.raises(grpc.aio.AioRpcError, match="asked to reconnect") as caught:
            await within(stream.read())
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_one_that_the_reducer_does_not_name_any_more_is_cut_off(tmp_path: Path) -> None:
    async with (
        Federation(tmp_path, combiner={"legacy_clients": True}, legacy_clients=True) as network,
        network.desk() as desk,
        AsyncExitStack() as stack,
    ):
        await assign(network, "old")
        old = await Old.connect(network, stack, "old")
        await desk.rounds.SetPolicy(pb.CombinerPolicy(legacy_clients=True), metadata=desk.metadata)
        for stream in (old.train, old.validate):
            with pytest.raises(grpc.aio.AioRpcError, match="the reducer does not let this client in here"):
                await within(stream.read())
        with pytest.raises(grpc.aio.AioRpcError, match="no client 'old' without a token"):
            await within(open_train(old.peer).read())
        assert await asyncio.to_thread(network.operator.clients) == []
