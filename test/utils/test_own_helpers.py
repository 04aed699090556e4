"""Helpers of others: both ways of writing one, and how they are found in what is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fedn.core.dtypes import Array
from fedn.utils.helpers import ArraysHelper, HelperBase
from fedn.utils.kerashelper import KerasHelper

Polynomial = np.polynomial.Polynomial


class PolynomialHelper(ArraysHelper[Any]):
    """All that a helper of arrays has to say."""

    def to_arrays(self, model: Any) -> dict[str, Any]:
        return {"coef": model.coef, "domain": list(model.domain)}

    def from_arrays(self, arrays: dict[str, Array]) -> Any:
        return Polynomial(arrays["coef"], arrays["domain"])


class HelperOf2021(HelperBase[Any]):
    """The six public methods, as a helper had to define them then, in a format of its own: JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.averaged = 0

    def increment_average(self, model: Any, model_next: Any, n: int) -> Any:
        self.averaged += 1
        return [mean + (last - mean) / n for mean, last in zip(model, model_next, strict=True)]

    def get_tmp_path(self) -> str:
        return super().get_tmp_path()

    def save_model(self, model: Any, path: Any = None) -> str:
        path = path or self.get_tmp_path()
        Path(path).write_text(json.dumps(model))
        return str(path)

    def load_model(self, path: Any = "weights.json") -> Any:
        return json.loads(Path(path).read_text())

    def serialize_model_to_BytesIO(self, model: Any) -> BytesIO:
        return BytesIO(json.dumps(model).encode())

    def load_model_from_BytesIO(self, model_bytes: Any) -> Any:
        return json.loads(model_bytes)


class TheLeast(HelperBase[str]):
    """What has to be defined of a helper whose models are no arrays."""

    def load_model(self, path: str | Path = "model") -> str:
        return Path(path).read_text()

    def save_model(self, model: str, path: str | Path | None = None) -> str:
        target = Path(path or self.get_tmp_path())
        target.write_text(model)
        return str(target)

    def increment_average(self, model: str, model_next: str, n: int) -> str:
        return model_next


@pytest.mark.parametrize(
    ("helper", "model"),
    [(PolynomialHelper(), Polynomial([1.0, 2.0, 3.0])), (HelperOf2021(), [1.0, 2.0]), (TheLeast(), "words")],
    ids=["arrays", "2021", "least"],
)
def test_it_works_as_ours_do(
    helper: HelperBase[Any], model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = str(tmp_path / "model")
    assert helper.save_model(model, path) == path
    assert helper.load_model(path) == model
    data = helper.serialize_model_to_BytesIO(model)
    assert data.getvalue() == data.read() == Path(path).read_bytes()
    assert helper.load_model_from_BytesIO(data.getvalue()) == model
    assert helper.increment_average(model, model, 2) == model
    assert not list((tmp_path / "temporary").iterdir())
    kept = helper.save_model(model)
    assert helper.load_model(kept) == model
    assert [str(file) for file in (tmp_path / "temporary").iterdir()] == [kept]


def test_means_come_from_the_arrays() -> None:
    mean = PolynomialHelper().increment_average(Polynomial([1, 2]), Polynomial([4, 2]), 3)
    assert mean == Polynomial([2.0, 2.0])


def test_a_helper_derived_from_ours_changes_what_it_wants(tmp_path: Path) -> None:
    class Halved(KerasHelper):
        def save_model(self, model: Any, path: Any = None) -> str:
            return super().save_model([array.astype(np.float16) for array in model], path)

    loaded = Halved().load_model(Halved().save_model([np.ones(3)], tmp_path / "model"))
    assert_array_equal(loaded[0], np.ones(3, np.float16), strict=True)


@pytest.mark.parametrize(
    ("kind", "lacks"),
    [(HelperBase, "increment_average, load_model, save_model"), (ArraysHelper, "from_arrays, to_arrays")],
)
def test_what_has_to_be_defined_is_said(kind: Any, lacks: str) -> None:
    names = lacks.replace(", ", ".*")
    with pytest.raises(TypeError, match=f"Can't instantiate abstract class Mine .*{names}"):
        type("Mine", (kind,), {})()


def install(site: Path, name: str, module: str, entry_points: dict[str, str], *, version: str = "1.2") -> None:
    """What pip leaves of a distribution of one module."""
    (site / f"{name}.py").write_text(dedent(module))
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    lines = "".join(f"{key} = {value}\n" for key, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[fedn.helpers]\n{lines}")


def run(site: Path, program: str) -> str:
    """What a Python program prints that finds the distributions in `site`."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)],
        env={"PYTHONPATH": f"{site}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


GOOD = """
    from fedn.utils.helpers import ArraysHelper

    class Helper(ArraysHelper):
        def to_arrays(self, model):
            return {"only": model}
        def from_arrays(self, arrays):
            return arrays["only"]
"""

ASK = """
    import sys
    from fedn.errors import InvalidInput
    from fedn.utils.helpers import get_helper, helper_names
    print(*helper_names())
    for name in sys.argv[1:] or {names!r}:
        try:
            print(name, type(get_helper(name)).__module__)
        except InvalidInput as error:
            print(name, "refused:", error)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    site.mkdir()
    return site


def ask(site: Path, *names: str) -> list[str]:
    """The line of names, then what became of asking for each of `names`."""
    return run(site, ASK.format(names=names)).splitlines()


def test_a_helper_of_another_distribution_is_found(site: Path) -> None:
    install(site, "acme_helpers", GOOD, {"acme": "acme_helpers:Helper"})
    known, acme, keras, jax = ask(site, "acme", "keras", "jax")
    assert known == "acme keras numpy numpyarray pytorch safetensors sklearn"
    assert acme == "acme acme_helpers"
    assert keras == "keras fedn.utils.kerashelper"
    assert jax == f"jax refused: there is no helper 'jax' (known: {', '.join(known.split())})"
    assert run(
        site,
        """
        import numpy as np
        from fedn.utils.helpers import get_helper
        helper = get_helper("acme")
        print(helper.load_model_from_BytesIO(helper.serialize_model_to_BytesIO(np.arange(3)).getvalue()))
        """,
    ) == ("[0 1 2]\n")


def test_our_names_are_ours(site: Path) -> None:
    install(site, "acme_helpers", GOOD, {"keras": "acme_helpers:Helper", "sklearn": "nowhere:X"})
    known, keras, sklearn = ask(site, "keras", "sklearn")
    assert known == "keras numpy numpyarray pytorch safetensors sklearn"
    assert keras == "keras fedn.utils.kerashelper"
    assert sklearn == "sklearn fedn.utils.sklearnhelper"


@pytest.mark.parametrize(
    ("module", "entry", "reason"),
    [
        ("import nowhere", "acme_helpers:Helper", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def", "acme_helpers:Helper", "SyntaxError: invalid syntax"),
        ("1 / 0", "acme_helpers:Helper", "ZeroDivisionError: division by zero"),
        ("", "acme_helpers:Helper", "AttributeError: module 'acme_helpers' has no attribute 'Helper'"),
        ("class Helper: pass", "acme_helpers:Helper", "TypeError: it is no subclass of fedn.utils.helpers.HelperBase"),
        ("Helper = 3", "acme_helpers:Helper", "TypeError: it is no subclass of"),
        (GOOD.replace("to_arrays", "to_array"), "acme_helpers:Helper", "TypeError: Can't instantiate abstract class"),
    ],
    ids=["import", "syntax", "zero", "attribute", "class", "number", "abstract"],
)
def test_a_broken_one_says_whose_it_is_and_why(module: str, entry: str, reason: str, site: Path) -> None:
    install(site, "acme_helpers", module, {"acme": entry})
    known, acme = ask(site, "acme")
    assert "acme" in known
    assert acme.startswith(f"acme refused: helper 'acme' is broken: {entry} of acme-helpers 1.2: {reason}")
    assert acme.endswith("(tell those who make acme-helpers 1.2, or install what it needs)")


def test_two_that_bring_the_same_name_are_both_named(site: Path) -> None:
    install(site, "acme_helpers", GOOD, {"mine": "acme_helpers:Helper"})
    install(site, "other_helpers", GOOD, {"mine": "other_helpers:Helper"}, version="3")
    _, mine = ask(site, "mine")
    assert mine == (
        "mine refused: 2 distributions bring a helper 'mine': acme-helpers 1.2, other-helpers 3 (uninstall all but one)"
    )
