"""Compute packages and model files as of 2021, run by a client of 2021 and by one of today."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from legacy.network import Network

FEDN_YAML = """
    entry_points:
      train:
        command: python3 train.py
      validate:
        command: python3 validate.py
"""

READ = """
    import json
    import sys
    import numpy as np

    with open("../data/data.json") as file:
        step = json.load(file)
"""

KERAS = {
    "fedn.yaml": FEDN_YAML,
    "train.py": f"""{READ}
    from fedn.utils.kerashelper import KerasHelper

    weights = KerasHelper().load_model(sys.argv[1])
    for array in weights:
        array += step
    np.savez_compressed(sys.argv[2], **{{str(index): array for index, array in enumerate(weights)}})
    """,
    "validate.py": """
    import json
    import sys
    from fedn.utils.kerashelper import KerasHelper

    weights = KerasHelper().load_model(sys.argv[1])
    with open(sys.argv[2], "w") as file:
        file.write(json.dumps({"training_loss": float(weights[0].mean()), "shapes": [list(w.shape) for w in weights]}))
    """,
}

PYTORCH = {
    "fedn.yaml": FEDN_YAML,
    "train.py": f"""{READ}
    import collections
    from fedn.utils.pytorchhelper import PytorchHelper

    helper = PytorchHelper()
    before = helper.load_model(sys.argv[1])
    state = collections.OrderedDict((name, array + np.float32(step)) for name, array in before.items())
    helper.save_model(state, sys.argv[2])
    """,
    "validate.py": """
    import json
    import sys
    from fedn.utils.pytorchhelper import PytorchHelper

    state = PytorchHelper().load_model(sys.argv[1])
    with open(sys.argv[2], "w") as file:
        json.dump({"training_loss": float(state["fc1.weight"].mean())}, file)
    """,
}

ARRAY = {
    "fedn.yaml": FEDN_YAML,
    "train.py": f"""{READ}
    from fedn.utils.numpyarrayhelper import NumpyArrayHelper

    helper = NumpyArrayHelper()
    path = helper.save_model(helper.load_model(sys.argv[1]) + step)
    with open(path) as source, open(sys.argv[2], "w") as target:
        target.write(source.read())
    """,
    "validate.py": """
    import json
    import sys
    from fedn.utils.helpers import get_helper

    model = get_helper("numpyarray").load_model(sys.argv[1])
    with open(sys.argv[2], "w") as file:
        json.dump({"training_loss": float(model.mean())}, file)
    """,
}


def keras_seed(path: Path) -> None:
    np.savez_compressed(path, **{"0": np.zeros((3, 2), np.float32), "1": np.zeros(2, np.float32)})


def pytorch_seed(path: Path) -> None:
    np.savez_compressed(path, **{"fc1.weight": np.zeros((2, 3), np.float32), "fc1.bias": np.zeros(2, np.float32)})


def array_seed(path: Path) -> None:
    with path.open("w") as file:
        np.savetxt(file, np.zeros(4))


@pytest.mark.parametrize(
    ("helper", "package", "seed", "names"),
    [
        ("keras", KERAS, keras_seed, ["0", "1"]),
        ("pytorch", PYTORCH, pytorch_seed, ["fc1.weight", "fc1.bias"]),
        ("numpyarray", ARRAY, array_seed, None),
    ],
    ids=["keras", "pytorch", "numpyarray"],
)
async def test_both_kinds_of_client_run_an_old_package(
    network: Network, helper: str, package: dict[str, str], seed: Callable[[Path], None], names: list[str] | None
) -> None:
    await network.combiner("c0")
    await network.upload(package, helper=helper)
    seed_file = network.folder / "seed.npz"
    seed(seed_file)
    await network.seed_file(seed_file)
    await network.old("old", data=1)
    await network.present("present", data=3)
    session = await network.session(rounds=2, clients_required=2, attempts=1)
    assert (session.state, session.rounds_done) == ("finished", 2), session.error
    *_, newest = await network.whole_trail()
    assert {one["client"]: one["examples"] for one in newest.updates} == {"old": 1, "present": 1}
    assert newest.metrics == {"training_loss": 4.0}
    target = network.folder / "newest.npz"
    target.write_bytes(await network.file(newest.id))
    if names is None:
        np.testing.assert_array_equal(np.loadtxt(target), np.full(4, 4.0))
        return
    with np.load(target) as model:
        assert [(name, *np.unique(array)) for name, array in model.items()] == [(name, 4.0) for name in names]
    with zipfile.ZipFile(target) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
