"""What a running round reports, with whoever reads it as slow as they like."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fedn.combiner.compute import Fold
from fedn.combiner.members import Members
from fedn.combiner.running import Running
from fedn.combiner.spool import Spool
from fedn.core import weights as w
from fedn.core.model import Answer, ClientState, Fate, File, RoundPlan, TaskKind
from fedn.security.digest import sha256_bytes


async def fetch(target: Path) -> None:
    raise AssertionError("the model came along")


async def test_an_answer_that_comes_while_others_are_being_reported_is_reported_too(tmp_path: Path) -> None:
    data = w.to_bytes({"a": np.zeros(3, np.float32)})
    model = File("model", len(data), sha256_bytes(data))
    plan = RoundPlan(
        round_id="round",
        session_id="session",
        number=1,
        kind=TaskKind.TRAIN,
        model=model,
        clients=("ada", "ben"),
        seconds=60.0,
    )
    spool, members = Spool(tmp_path, limit=1 << 20), Members(max_clients=2, legacy=False)
    with ThreadPoolExecutor(1) as executor:
        staged = await spool.stage(model, data=data, fetch=fetch)
        fold = Fold(staged.content, reproducible=False, executor=executor)
        running = Running(plan, staged, fold, members=members, spool=spool, rejoin=60.0, on_final=lambda: None)
        running.start()

        async def answer(client: str) -> None:
            update = File(f"update of {client}", len(data), sha256_bytes(data))
            fate, _ = await running.answer(Answer(client, plan.round_id, update=update), data, client)
            assert fate is Fate.ACCEPTED

        await answer("ada")
        progress = running.progress()
        assert [(one.client, one.state) for one in await anext(progress)] == [("ada", ClientState.ANSWERED)]
        await answer("ben")  # the reader has not come back for more yet, and with this the round is over
        rest = [(one.client, one.state) for batch in [batch async for batch in progress] for one in batch]
        assert rest == [("ben", ClientState.ANSWERED)]
        running.cancel()
