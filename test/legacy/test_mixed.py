"""Clients of 2021 train and validate beside those of today, round by round."""

from __future__ import annotations

import asyncio

import numpy as np
from legacy.network import Network

ROUNDS = 10

PACKAGE = {
    "fedn.yaml": "entry_points: {train: {command: python3 train.py}, validate: {command: python3 validate.py}}",
    "train.py": """
        import json, sys
        import numpy as np

        source, target = sys.argv[1:]
        with open("../data/data.json") as file:
            step = json.load(file)
        with np.load(source) as file:
            model = {name: array + np.float32(step) for name, array in file.items()}
        np.savez_compressed(target, **model)
        with open(f"{target}-metadata", "w") as file:  # which clients of 2021 do not look at
            json.dump({"num_examples": 3}, file)
    """,
    "validate.py": """
        import json, sys
        import numpy as np

        source, target = sys.argv[1:]
        with np.load(source) as file, open(target, "w") as out:
            json.dump({"mean": float(file["a"].mean())}, out)
    """,
}

WEIGHTS = {"function": 3, "old": 1, "older": 1, "package": 3}
"""Client → what its updates count: those of 2021 give no number of examples."""

STEPS = {"function": 24.0, "old": 8.0, "older": 16.0, "package": 40.0}
"""Client → what its training adds to the model."""

MEAN = sum(WEIGHTS[name] * STEPS[name] for name in WEIGHTS) / sum(WEIGHTS.values())


async def test_four_kinds_of_client_in_the_same_rounds(network: Network) -> None:
    await network.combiner("c0")
    await network.upload(PACKAGE)
    await network.seed({"a": np.zeros(3, np.float32), "b": np.zeros((2, 2), np.float32)})
    await network.old("old", data=STEPS["old"])
    ca = str(network.folder / "reducer" / "ca.pem")
    await network.old("older", "--named-transfers", "-pc", ca, data=STEPS["older"])
    await network.present("package", data=STEPS["package"])
    await network.add_client(
        "function",
        train=lambda model: ({name: array + np.float32(STEPS["function"]) for name, array in model.items()}, 3),
        validate=lambda model: {"mean": float(model["a"].mean())},
    )
    session = await network.session(rounds=ROUNDS, clients_required=4, attempts=1)
    assert (session.state, session.rounds_done) == ("finished", ROUNDS), session.error
    _, *trail = await network.whole_trail()
    validations = await asyncio.to_thread(lambda: network.web.get("/api/v1/validations", limit=1000)["items"])
    for number, model in enumerate(trail, start=1):
        assert {one["client"]: one["examples"] for one in model.updates} == WEIGHTS
        for array in (await network.model(model.id)).values():
            np.testing.assert_array_equal(array, np.full_like(array, number * MEAN))
        found = {one["client"]: one["metrics"] for one in validations if one["model_id"] == model.id}
        assert found == {name: {"mean": number * MEAN} for name in WEIGHTS}
    views = {one["name"]: one["legacy"] for one in network.operator.clients()}
    assert views == {"function": False, "old": True, "older": True, "package": False}
