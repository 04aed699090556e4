"""Validations and predictions at one combiner, from both sides by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import grpc
import numpy as np
import pytest
from byhand import Desk, begun

from fedn.core.model import TaskKind
from fedn.proto import fedn_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = {"a": np.zeros((2, 3), np.float32), "b": np.zeros(4, np.float64)}
GOOD = {"a": np.full((2, 3), 2, np.float32), "b": np.arange(4, dtype=np.float64)}


async def test_a_validation_of_no_examples_fails(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer", kind=TaskKind.VALIDATE)
    await begun(run, peer)
    with pytest.raises(grpc.aio.AioRpcError, match="num_examples is 0"):
        await peer.validate(run.id, "{}", num_examples=0)
    await run.result()
    assert run.states() == {"peer": "BROKEN"}


NO_OBJECT = {
    "list": ("[1, 2]", "JSON list, not an object"),
    "number": ("0.9", "JSON float, not an object"),
    "text": ("accuracy 0.9", "not JSON"),
    "nothing": ("", "not JSON"),
    "deep": ("[" * 100_000, "not JSON"),
}


async def test_a_validation_is_a_json_object(desk: Desk, join: Callable) -> None:
    peers = await join("good", "update", *NO_OBJECT)
    run = desk.run(MODEL, *(peer.name for peer in peers), kind=TaskKind.VALIDATE)
    assert (await peers[0].task()).type == pb.VALIDATE
    content = {"accuracy": 0.5, "loss": float("nan"), "name": "x", "ok": True, "nested": {"a": 1}}
    assert (await peers[0].validate(run.id, json.dumps(content))).fate == pb.ACCEPTED
    refused = await peers[1].send(run.id, GOOD)
    assert (refused.fate, refused.response) == (pb.REFUSED, "an update is no answer to a task to validate")
    for peer in peers[2:]:
        data, reason = NO_OBJECT[peer.name]
        answer = await peer.validate(run.id, data)
        assert answer.fate == pb.REFUSED
        assert reason in answer.response
    assert not (await run.result()).HasField("partial")
    assert dict(run.progress["good"].metrics) == {"accuracy": 0.5}
    assert json.loads(run.progress["good"].data)["nested"] == {"a": 1}


async def test_a_validation_is_no_answer_to_a_task_to_train(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer")
    await begun(run, peer)
    answer = await peer.validate(run.id, '{"accuracy": 1.0}')
    assert answer.fate == pb.REFUSED
    assert "no answer to a task to train" in answer.response
    assert not (await run.result()).HasField("partial")
    assert run.states() == {"peer": "REJECTED"}


async def test_a_prediction_comes_back_whole(desk: Desk, join: Callable) -> None:
    (peer,) = await join("peer")
    run = desk.run(MODEL, "peer", kind=TaskKind.PREDICT)
    assert (await peer.task()).type == pb.PREDICT
    prediction = pb.Prediction(sender=peer.sender, task_id=run.id, data='{"classes": [3, 1]}')
    assert (await peer.tasks.SendPrediction(prediction, metadata=peer.metadata)).fate == pb.ACCEPTED
    await run.result()
    assert run.progress["peer"].data == '{"classes": [3, 1]}'
