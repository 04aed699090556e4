"""In a package's own environment `fedn` is a folder on the path, without metadata, and numpy may be all else."""

import subprocess
import sys
from pathlib import Path

import numpy as np

import fedn

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from fedn.utils.helpers import get_helper, helper_names
import numpy as np

models = {
    "keras": [np.ones(3)],
    "numpy": {"a": [1, np.ones(3)]},
    "numpyarray": np.ones(3),
    "pytorch": {"w": np.ones(3)},
    "safetensors": {"w": np.ones(3)},
    "sklearn": {"coef_": np.ones((1, 3)), "intercept_": np.zeros(1)},
}
assert helper_names() == sorted(models), helper_names()
for name, model in models.items():
    helper = get_helper(name)
    assert type(helper.load_model_from_BytesIO(helper.serialize_model_to_BytesIO(model).getvalue())) is type(
        helper.increment_average(model, model, 2)
    )
print(get_helper.__module__, np.__file__)
"""


def test_with_nothing_but_numpy(tmp_path: Path) -> None:
    packages = Path(np.__file__).parents[1]
    for folder in (*packages.glob("numpy"), *packages.glob("numpy.libs")):
        (tmp_path / folder.name).symlink_to(folder, target_is_directory=True)
    (tmp_path / "fedn").symlink_to(Path(fedn.__file__).parent, target_is_directory=True)
    # -I and -S leave nothing on the path but the standard library.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["fedn.utils.helpers", str(tmp_path / "numpy" / "__init__.py")]
