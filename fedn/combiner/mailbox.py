"""The messages for one open stream, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from fedn.core.membership import Member
from fedn.proto import fedn_pb2 as pb


class Mailbox:
    """What is posted to a client and not yet sent.

    Args:
        member: The client.
        kind: Of the tasks that its stream is for, as `pb.TRAIN`; None for a stream of all kinds.
    """

    def __init__(self, member: Member, *, kind: int | None = None) -> None:
        self.member = member
        self.kind = kind
        self.parted = False
        """Whether its client is told to go."""
        self._messages: asyncio.Queue[pb.TaskMessage | None] = asyncio.Queue()
        self._posted: deque[str] = deque(maxlen=8)

    def takes(self, kind: int) -> bool:
        """Whether tasks of this kind go into this stream."""
        return self.kind in (None, kind)

    def post(self, message: pb.TaskMessage) -> None:
        """Add a message; a task of another kind, or one that this stream was given already, is left out."""
        if message.HasField("task"):
            if not self.takes(message.task.type) or message.task.id in self._posted:
                return
            self._posted.append(message.task.id)
        self._messages.put_nowait(message)

    def close(self) -> None:
        """End the stream after what is in the box."""
        self._messages.put_nowait(None)

    def part(self, reason: str, *, reassign: bool, combiner: str = "") -> None:
        """Say goodbye and end the stream.

        Args:
            reassign: Whether the client is to ask the reducer for a combiner again.
            combiner: … and for this one.
        """
        self.parted = True
        self.post(pb.TaskMessage(goodbye=pb.Goodbye(reason=reason, reassign=reassign, combiner=combiner)))
        self.close()

    async def messages(self) -> AsyncIterator[pb.TaskMessage]:
        """What is posted, until the box is closed."""
        while (message := await self._messages.get()) is not None:
            yield message
