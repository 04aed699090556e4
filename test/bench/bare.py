"""The bare exchange behind a round: what grpcio itself costs on this machine, with our messages and nothing else.

A server pushes a task with a 4 KB model to every client's stream and awaits a unary answer with the update from each.
No TLS, no tokens, no folding, no commit. Run by `rounds.py`; prints one JSON list, the seconds of each round.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

import grpc

from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc

MODEL = bytes(4096)


class Server(rpc.TasksServicer, rpc.CombinerServicer):
    """Both sides of the exchange that a combiner has."""

    def __init__(self, clients: int) -> None:
        self.clients = clients
        self.streams: list[asyncio.Queue[pb.TaskMessage]] = []
        self.answers = 0
        self.all_here = asyncio.Event()
        self.all_answered = asyncio.Event()

    async def Stream(self, request: pb.ClientAvailableMessage, context: object) -> AsyncIterator[pb.TaskMessage]:
        queue: asyncio.Queue[pb.TaskMessage] = asyncio.Queue()
        self.streams.append(queue)
        if len(self.streams) == self.clients:
            self.all_here.set()
        while True:
            yield await queue.get()

    async def SendModelUpdate(self, request: pb.ModelUpdate, context: object) -> pb.Response:
        self.answers += 1
        if self.answers == self.clients:
            self.all_answered.set()
        return pb.Response(fate=pb.ACCEPTED)

    async def round(self, number: int) -> float:
        self.answers = 0
        self.all_answered.clear()
        task = pb.Task(id=str(number), round=number, model=pb.File(id="m", size=len(MODEL), data=MODEL))
        message = pb.TaskMessage(task=task)
        started = time.perf_counter()
        for queue in self.streams:
            queue.put_nowait(message)
        await self.all_answered.wait()
        return time.perf_counter() - started


async def serve(clients: int, rounds: int) -> list[float]:
    """Run the server here and the clients in a process of their own."""
    server = grpc.aio.server()
    service = Server(clients)
    rpc.add_TasksServicer_to_server(service, server)
    rpc.add_CombinerServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    fleet = await asyncio.create_subprocess_exec(sys.executable, __file__, "--clients", str(clients), str(port))
    try:
        await service.all_here.wait()
        return [await service.round(number) for number in range(rounds)]
    finally:
        fleet.kill()
        await fleet.wait()
        await server.stop(None)


async def client(channel: grpc.aio.Channel, name: str) -> None:
    tasks, combiner = rpc.TasksStub(channel), rpc.CombinerStub(channel)
    sender = pb.Client(name=name)
    async for message in tasks.Stream(pb.ClientAvailableMessage(sender=sender)):
        update = pb.ModelUpdate(sender=sender, correlation_id=message.task.id, model=message.task.model.data)
        await combiner.SendModelUpdate(update)


async def fleet(clients: int, port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await asyncio.gather(*(client(channel, f"client-{number}") for number in range(clients)))


if __name__ == "__main__":
    if sys.argv[1] == "--clients":
        asyncio.run(fleet(int(sys.argv[2]), int(sys.argv[3])))
    else:
        print(json.dumps(asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))))
