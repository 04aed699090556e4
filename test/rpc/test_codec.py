"""Round trips over the serialised bytes: what goes in comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from fedn.core.model import Answer, ClientState, Fate, File, Presigned, Progress, RoundPlan, TaskKind
from fedn.errors import InvalidUpdate
from fedn.proto import fedn_pb2 as pb
from fedn.rpc import codec

texts = st.text(st.characters(codec="utf-8"), max_size=10)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
whole = st.integers(0, 2**64 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.dictionaries(texts, finite, max_size=3)
files = st.builds(File, id=names, size=whole, sha256=texts)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
plans = st.builds(
    RoundPlan,
    round_id=texts,
    session_id=texts,
    number=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(TaskKind),
    model=files,
    clients=st.lists(names, max_size=3).map(tuple),
    seconds=finite,
    reproducible=st.booleans(),
    parameters=st.dictionaries(texts, json, max_size=3),
    package_sha256=texts,
)
answers = st.builds(
    Answer,
    client=names,
    task_id=texts,
    examples=st.integers(1, codec.MAX_EXAMPLES),
    metrics=numbers,
    update=st.none() | files,
    data=texts,
    seconds=numbers,
)


M = TypeVar("M", bound=Message)


def over_the_wire(message: M) -> M:
    return type(message).FromString(message.SerializeToString())


@given(plans, st.binary(max_size=5), st.none() | st.builds(Presigned, url=texts, ca_pem=texts))
def test_a_plan(plan: RoundPlan, data: bytes, direct: Presigned | None) -> None:
    message = over_the_wire(codec.plan_to_message(plan, data, direct))
    assert codec.plan_from_message(message) == plan
    assert codec.direct_of(message) == direct
    assert message.model.data == data


@given(plans, finite, st.binary(max_size=5))
def test_a_task_is_the_plan_as_one_client_sees_it(plan: RoundPlan, seconds: float, data: bytes) -> None:
    task = over_the_wire(codec.task_to_message(plan, seconds=seconds, model_data=data))
    message = codec.plan_to_message(plan, data)
    assert codec.kind_of(task) is plan.kind
    assert (task.id, task.session_id, task.round) == (plan.round_id, plan.session_id, plan.number)
    assert (task.model, task.seconds) == (message.model, seconds)
    assert (task.parameters, task.package_sha256) == (message.parameters, message.package_sha256)


@given(answers, files, texts, st.binary(max_size=5))
def test_an_update_has_the_size_of_what_came_along(answer: Answer, file: File, model_id: str, data: bytes) -> None:
    answer = replace(answer, update=file, data="")
    message = over_the_wire(codec.update_to_message(answer, model_id=model_id, model_data=data))
    assert codec.update_from_message(message) == replace(answer, update=replace(file, size=len(data)))
    assert (message.model_id, message.model, message.sender.role) == (model_id, data, pb.WORKER)


@given(answers, texts)
def test_a_validation_brings_its_data_and_no_metrics_yet(answer: Answer, model_id: str) -> None:
    message = over_the_wire(codec.validation_to_message(answer, model_id=model_id))
    assert codec.validation_from_message(message) == replace(answer, metrics={}, update=None)
    assert message.model_id == model_id


@given(names, st.sampled_from(ClientState), texts, answers)
def test_progress_carries_the_answer_of_who_has_answered(
    client: str, state: ClientState, detail: str, answer: Answer
) -> None:
    given_answer = replace(answer, client=client)
    message = over_the_wire(codec.progress_to_message(Progress(client, state, detail, given_answer)))
    update = given_answer.update and replace(given_answer.update, sha256="")
    carried = replace(given_answer, update=update) if state is ClientState.ANSWERED else None
    assert codec.progress_from_message(message, task_id=answer.task_id) == Progress(client, state, detail, carried)


def test_a_state_of_a_newer_combiner_is_something_in_between() -> None:
    message = pb.ClientProgress(client="ada", state=99)  # type: ignore[arg-type]
    assert codec.progress_from_message(message, task_id="r").state is ClientState.WORKING


def test_progress_without_an_answer() -> None:
    progress = [Progress("ada", ClientState.WORKING), Progress("bob", ClientState.BROKEN, "exit status 1")]
    event = over_the_wire(codec.round_event(progress))
    assert [codec.progress_from_message(one, task_id="r") for one in event.progress] == progress


@given(st.sampled_from(Fate), texts)
def test_a_reply(fate: Fate, detail: str) -> None:
    response = over_the_wire(codec.reply(fate, detail))
    assert codec.fate_of(response) is fate
    assert response.response == detail


def test_a_combiner_of_2021_does_not_say_what_became_of_an_update_and_took_it() -> None:
    assert codec.fate_of(pb.Response(response="RECEIVED")) is Fate.ACCEPTED


def test_what_a_client_of_2021_sends() -> None:
    sender = pb.Client(name="old", role=pb.WORKER)
    meta = '{"fetch_model": 0.5, "exec_training": 2, "processing_time": NaN, "host": "a"}'
    update = pb.ModelUpdate(sender=sender, model_update_id="u", correlation_id="r", meta=meta)
    seconds = {"fetch_model": 0.5, "exec_training": 2.0}
    assert codec.update_from_message(update) == Answer("old", "r", update=File("u", 0, ""), seconds=seconds)
    validation = pb.ModelValidation(sender=sender, data='{"loss": 1}', correlation_id="r")
    assert codec.validation_from_message(validation) == Answer("old", "r", data='{"loss": 1}')


@pytest.mark.parametrize("meta", ["", "{", "[]", "1", "null", '"a"', "\x00", "9" * 5000])
def test_timings_that_cannot_be_read_are_left_out(meta: str) -> None:
    assert codec.update_from_message(pb.ModelUpdate(meta=meta)).seconds == {}


def test_timings_nested_without_end_are_left_out() -> None:
    assert codec.update_from_message(pb.ModelUpdate(meta="[" * 100_000)).seconds == {}


@pytest.mark.parametrize("examples", [0, codec.MAX_EXAMPLES + 1, 2**64 - 1])
def test_a_number_of_examples_that_is_no_weight_is_refused(examples: int) -> None:
    with pytest.raises(InvalidUpdate, match=f"num_examples is {examples}"):
        codec.update_from_message(pb.ModelUpdate(num_examples=examples))
    with pytest.raises(InvalidUpdate, match=f"num_examples is {examples}"):
        codec.validation_from_message(pb.ModelValidation(num_examples=examples))


def test_an_answer_without_an_update_is_none_to_a_training_task() -> None:
    with pytest.raises(InvalidUpdate, match="carries an update"):
        codec.update_to_message(Answer("ada", "r"), model_id="m")
