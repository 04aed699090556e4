"""Every RPC of 2021: who is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from byhand import Desk
from legacy.frozen import PROTO, frozen
from legacy.old import listed
from loopback import Federation
from waiting import within

from fedn.proto import fedn_pb2 as pb
from fedn.rpc.channel import dial_async

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = {"a": np.zeros(3, np.float32)}

DENIED, TOKEN, MISSING = "PERMISSION_DENIED", "UNAUTHENTICATED", "NOT_FOUND"

CALLERS = ("ours", "old", "reducer", "nobody")
"""A client of ours; one of 2021; the reducer; somebody without a token and with a name that was not assigned."""

ANSWERS = {
    "ModelService.Upload": ("OK", "OK", DENIED, DENIED),
    "ModelService.Download": ("OK", "OK", "OK", DENIED),
    "Control.Start": (DENIED, TOKEN, DENIED, TOKEN),
    "Control.Stop": (DENIED, TOKEN, DENIED, TOKEN),
    "Control.Configure": (DENIED, TOKEN, DENIED, TOKEN),
    "Control.Report": (DENIED, TOKEN, "OK", TOKEN),
    "Reducer.GetGlobalModel": ("OK", TOKEN, "OK", TOKEN),
    "Connector.AllianceStatusStream": (DENIED, TOKEN, "OK", TOKEN),
    "Connector.SendStatus": ("OK", "OK", DENIED, DENIED),
    "Connector.ListActiveClients": (DENIED, TOKEN, "OK", TOKEN),
    "Connector.AcceptingClients": (DENIED, TOKEN, "OK", TOKEN),
    "Connector.SendHeartbeat": ("OK", "OK", DENIED, DENIED),
    "Connector.ReassignClient": (DENIED, TOKEN, MISSING, TOKEN),
    "Connector.ReconnectClient": (DENIED, TOKEN, MISSING, TOKEN),
    "Combiner.ModelUpdateRequestStream": ("OK", "OK", DENIED, DENIED),
    "Combiner.ModelUpdateStream": (DENIED, TOKEN, "OK", TOKEN),
    "Combiner.ModelValidationRequestStream": ("OK", "OK", DENIED, DENIED),
    "Combiner.ModelValidationStream": (DENIED, TOKEN, "OK", TOKEN),
    "Combiner.SendModelUpdateRequest": (DENIED, TOKEN, "OK", TOKEN),
    "Combiner.SendModelUpdate": ("OK", "OK", DENIED, DENIED),
    "Combiner.SendModelValidationRequest": (DENIED, TOKEN, "OK", TOKEN),
    "Combiner.SendModelValidation": ("OK", "OK", DENIED, DENIED),
}
"""Every RPC of the contract → the status that each of `CALLERS` is answered with. Nobody is connected by that name, so
that there is none to be moved."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model_id(here: Federation) -> AsyncIterator[str]:
    """A model that c0 serves."""
    async with here.desk() as desk, here.peer("staging") as peer:
        await peer.connect()
        run = desk.run(MODEL, "staging")
        yield (await peer.task()).model.id
        run.call.cancel()


async def test_the_table_has_every_rpc_of_the_contract() -> None:
    services = frozen(PROTO.read_text(encoding="utf-8"))
    assert len(ANSWERS) == services.count("  rpc ")
    assert all(f"rpc {method.partition('.')[2]}(" in services for method in ANSWERS)


@pytest.mark.parametrize("method", ANSWERS)
async def test_who_is_answered(here: Federation, desk: Desk, model_id: str, method: str) -> None:
    async with here.peer("ours") as ours, here.peer("old", token="") as old:
        await old.connector.SendHeartbeat(pb.Heartbeat(sender=old.sender), metadata=old.metadata)
        answers = (
            await answer(here, method, "ours", model_id, metadata=ours.metadata),
            await answer(here, method, "old", model_id, metadata=old.metadata),
            await answer(here, method, "reducer", model_id, metadata=desk.metadata),
            # At a combiner where no client of 2021 was heard from: on one machine, all have one address.
            await answer(here, method, "nobody", model_id, combiner="c1"),
        )
    assert answers == ANSWERS[method]


async def answer(
    network: Federation, method: str, name: str, model_id: str, *, combiner: str = "c0", metadata: Any = ()
) -> str:
    """The status of a call whose request is in order, as far as the caller can know."""
    service, _, rpc_name = method.partition(".")
    described = pb.DESCRIPTOR.services_by_name[service].methods_by_name[rpc_name]
    fields = described.input_type.fields_by_name
    request: Any = getattr(pb, described.input_type.name)()
    if "sender" in fields and (service != "ModelService" or name == "ours"):  # only ours bear a name in transfers
        request.sender.name = name
    for field in {"model_id", "id"} & set(fields):
        setattr(request, field, model_id)
    sent = request.SerializeToString()
    path, port = f"/grpc.{service}/{rpc_name}", network.combiners[combiner].port
    async with dial_async("localhost", port, ca_pem=network.services.authority.certificate_pem) as channel:
        try:
            if described.client_streaming:
                end = pb.ModelRequest(id=model_id, status=pb.OK).SerializeToString()
                await within(channel.stream_unary(path)(iter([sent, end]), metadata=metadata))
            elif described.server_streaming:
                await opened(network, channel.unary_stream(path)(sent, metadata=metadata), name)
            else:
                await within(channel.unary_unary(path)(sent, metadata=metadata))
        except grpc.aio.AioRpcError as error:
            return error.code().name
    return "OK"


async def opened(network: Federation, stream: Any, name: str) -> None:
    """Wait until a stream brings something or is open at c0, or raise what it was refused with."""
    reading = asyncio.ensure_future(stream.read())
    looking = [asyncio.ensure_future(listed(network, channel, name)) for channel in pb.Channel.values()]
    try:
        await asyncio.wait([reading, *looking], return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            await reading
    finally:
        stream.cancel()
        for one in looking:
            one.cancel()
        await asyncio.wait([reading, *looking])
