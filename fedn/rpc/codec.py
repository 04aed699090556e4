"""Messages of the wire ⇄ the words of the domain. No one else builds or reads a protobuf message's fields for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from fedn.core.model import Answer, ClientState, Fate, File, Presigned, Progress, RoundPlan, TaskKind
from fedn.core.numbers import finite_numbers
from fedn.errors import InvalidUpdate
from fedn.proto import fedn_pb2 as pb

_TASK = {TaskKind.TRAIN: pb.TRAIN, TaskKind.VALIDATE: pb.VALIDATE, TaskKind.PREDICT: pb.PREDICT}
_KIND = {number: kind for kind, number in _TASK.items()}
_STATE = {
    ClientState.ASKED: pb.ASKED,
    ClientState.WORKING: pb.WORKING,
    ClientState.UPLOADING: pb.UPLOADING,
    ClientState.ANSWERED: pb.ANSWERED,
    ClientState.REJECTED: pb.REJECTED,
    ClientState.BROKEN: pb.BROKEN,
    ClientState.LOST: pb.LOST,
    ClientState.LATE: pb.LATE,
}
_STATE_BACK = {number: state for state, number in _STATE.items()}
_FATE = {Fate.ACCEPTED: pb.ACCEPTED, Fate.REFUSED: pb.REFUSED, Fate.DISCARDED: pb.DISCARDED}
_FATE_BACK = {number: fate for fate, number in _FATE.items()}

MAX_EXAMPLES = 2**53
"""Weights up to here are whole numbers in float64."""


def client(name: str, role: pb.Role = pb.WORKER) -> pb.Client:
    return pb.Client(name=name, role=role)


def file_to_message(file: File, data: bytes = b"") -> pb.File:
    """`data` is the content of a small file that travels inside the message."""
    return pb.File(id=file.id, size=file.size, sha256=file.sha256, data=data)


def file_from_message(message: pb.File) -> File:
    return File(id=message.id, size=message.size, sha256=message.sha256)


def plan_to_message(plan: RoundPlan, model_data: bytes = b"", direct: Presigned | None = None) -> pb.RoundPlan:
    """`direct` is where the combiner may fetch a large model besides the reducer."""
    return pb.RoundPlan(
        round_id=plan.round_id,
        session_id=plan.session_id,
        number=plan.number,
        type=_TASK[plan.kind],
        model=file_to_message(plan.model, model_data),
        clients=plan.clients,
        seconds=plan.seconds,
        reproducible=plan.reproducible,
        parameters=json.dumps(plan.parameters),
        package_sha256=plan.package_sha256,
        direct=pb.Presigned(url=direct.url, ca_pem=direct.ca_pem) if direct else None,
    )


def plan_from_message(message: pb.RoundPlan) -> RoundPlan:
    return RoundPlan(
        round_id=message.round_id,
        session_id=message.session_id,
        number=message.number,
        kind=_KIND[message.type],
        model=file_from_message(message.model),
        clients=tuple(message.clients),
        seconds=message.seconds,
        reproducible=message.reproducible,
        parameters=json.loads(message.parameters or "{}"),
        package_sha256=message.package_sha256,
    )


def direct_of(message: pb.RoundPlan) -> Presigned | None:
    """Where the model may be fetched besides the reducer."""
    return Presigned(message.direct.url, message.direct.ca_pem) if message.HasField("direct") else None


def task_to_message(plan: RoundPlan, *, seconds: float, model_data: bytes = b"") -> pb.Task:
    """The task of a round, as each of its clients gets it; `seconds` is the time left."""
    return pb.Task(
        id=plan.round_id,
        type=_TASK[plan.kind],
        session_id=plan.session_id,
        round=plan.number,
        model=file_to_message(plan.model, model_data),
        seconds=seconds,
        parameters=json.dumps(plan.parameters),
        package_sha256=plan.package_sha256,
    )


def kind_of(message: pb.Task) -> TaskKind:
    return _KIND[message.type]


def update_to_message(answer: Answer, *, model_id: str, model_data: bytes = b"") -> pb.ModelUpdate:
    if answer.update is None:
        raise InvalidUpdate("an answer to a training task carries an update")
    return pb.ModelUpdate(
        sender=client(answer.client),
        model_id=model_id,
        model_update_id=answer.update.id,
        correlation_id=answer.task_id,
        meta=json.dumps(answer.seconds),
        num_examples=answer.examples,
        metrics=answer.metrics,
        model=model_data,
        sha256=answer.update.sha256,
    )


def update_from_message(message: pb.ModelUpdate) -> Answer:
    """The answer in a ModelUpdate; `update.size` is that of inline data, 0 for an uploaded file.

    Raises:
        InvalidUpdate: A weight that can't be averaged. Metrics that can't are left out.
    """
    return Answer(
        client=message.sender.name,
        task_id=message.correlation_id,
        examples=_examples(message),
        metrics=finite_numbers(message.metrics),
        update=File(message.model_update_id, len(message.model), message.sha256),
        seconds=_seconds(message.meta),
    )


def validation_to_message(answer: Answer, *, model_id: str) -> pb.ModelValidation:
    return pb.ModelValidation(
        sender=client(answer.client),
        model_id=model_id,
        data=answer.data,
        correlation_id=answer.task_id,
        meta=json.dumps(answer.seconds),
        num_examples=answer.examples,
    )


def validation_from_message(message: pb.ModelValidation) -> Answer:
    """The answer in a ModelValidation. Its metrics are read when it is judged."""
    return Answer(
        client=message.sender.name,
        task_id=message.correlation_id,
        examples=_examples(message),
        data=message.data,
        seconds=_seconds(message.meta),
    )


def _examples(message: pb.ModelUpdate | pb.ModelValidation) -> int:
    if not message.HasField("num_examples"):
        return 1
    if not 1 <= message.num_examples <= MAX_EXAMPLES:
        raise InvalidUpdate(
            f"num_examples is {message.num_examples}", hint="it is a whole number of examples, 1 or more"
        )
    return message.num_examples


def _seconds(meta: str) -> Mapping[str, float]:
    """The client's own timings; what can't be read is left out, as they only inform."""
    try:
        values = json.loads(meta or "{}")
    except (ValueError, RecursionError):
        return {}
    return finite_numbers(values) if isinstance(values, dict) else {}


def progress_to_message(progress: Progress) -> pb.ClientProgress:
    message = pb.ClientProgress(client=progress.client, state=_STATE[progress.state], detail=progress.detail)
    answer = progress.answer
    if answer is not None:
        message.num_examples = answer.examples
        message.metrics.update(answer.metrics)
        message.seconds.update(answer.seconds)
        message.data = answer.data
        if answer.update is not None:
            message.update_id, message.bytes = answer.update.id, answer.update.size
    return message


def progress_from_message(message: pb.ClientProgress, *, task_id: str) -> Progress:
    state = _STATE_BACK.get(message.state, ClientState.WORKING)  # one of a newer combiner: something in between
    answer = None
    if state is ClientState.ANSWERED:
        answer = Answer(
            client=message.client,
            task_id=task_id,
            examples=message.num_examples,
            metrics=dict(message.metrics),
            update=File(message.update_id, message.bytes, "") if message.update_id else None,
            data=message.data,
            seconds=dict(message.seconds),
        )
    return Progress(client=message.client, state=state, detail=message.detail, answer=answer)


def round_event(progress: Iterable[Progress]) -> pb.RoundEvent:
    return pb.RoundEvent(progress=[progress_to_message(one) for one in progress])


def reply(fate: Fate, detail: str = "") -> pb.Response:
    return pb.Response(response=detail, fate=_FATE[fate])


def fate_of(response: pb.Response) -> Fate:
    """What became of the answer; a combiner that does not say took it."""
    return _FATE_BACK.get(response.fate, Fate.ACCEPTED)
