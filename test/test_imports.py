"""The rules of the tree: imports point down only, and each foreign thing has one home.

`fedn/__init__.py` is exempt, as it only names what other modules hold. Generated code and the templates of compute
packages are no modules of ours.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = [
    {"__main__", "cli", "sandbox", "api"},
    {"combiner", "client", "reducer"},
    {"rpc", "stores", "package", "utils"},
    {"security"},
    {"core", "config", "log", "load"},
    {"errors", "proto", "version"},
]
"""The parts of `fedn` from top to bottom. A part imports those below it, and none beside it but in the top layer."""

HOMES = {
    "grpc": "rpc",
    "httpx": "rpc",
    "sqlite3": "stores",
    "pymongo": "stores",
    "bson": "stores",
    "gridfs": "stores",
    "minio": "stores",
}
"""Which part alone imports what."""

FRAMEWORKS = {"torch", "keras", "tensorflow", "jax", "sklearn", "scipy", "pandas", "safetensors", "ml_dtypes"}
"""What models are trained with: an affair of compute packages alone."""

ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}

PURE = {
    *("__future__", "abc", "ast", "bisect", "collections", "contextlib", "copy", "dataclasses", "decimal", "enum"),
    *("fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "numpy", "operator", "re", "string"),
    *("struct", "sys", "types", "typing", "zlib"),
}
"""What decides and computes; no clock, randomness, logging, threads or I/O."""

READS_FILES = {"fedn.core.weights", "fedn.core.partial", "fedn.core.aggregation"}
"""The modules of `core` that read and write files handed to them, and so import `io`, `mmap` and `pathlib`, too."""


@dataclass(frozen=True)
class Module:
    name: str
    path: str
    tree: ast.Module = field(repr=False, compare=False)

    @property
    def part(self) -> str:
        """`rpc` for `fedn.rpc.codec`; empty for `fedn` itself."""
        return part_of(self.name)

    @property
    def package(self) -> str:
        """What a relative import starts from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"


@dataclass(frozen=True)
class Import:
    module: Module
    node: ast.Import | ast.ImportFrom = field(repr=False, compare=False)
    target: str

    def __str__(self) -> str:
        return f"{self.module.at(self.node)} imports {self.target}"


def part_of(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def module(path: Path, source: str) -> Module:
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return Module(name, path.as_posix(), ast.parse(source))


@cache
def modules() -> tuple[Module, ...]:
    """Every module of `fedn` that the rules hold for."""
    paths = (path.relative_to(ROOT) for path in sorted((ROOT / "fedn").rglob("*.py")))
    return tuple(
        module(path, (ROOT / path).read_text(encoding="utf-8"))
        for path in paths
        if path != Path("fedn/__init__.py") and path.parent != Path("fedn/proto") and "templates" not in path.parts
    )


def imports(of: Module) -> Iterator[Import]:
    """Every import of a module, wherever in it; `from a import b` is one of a.b where that is a module, else of a."""
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Import):
            yield from (Import(of, node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = of.package.split(".")[: len(of.package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = {f"{base}.{alias.name}" if is_module(base, alias.name) else base for alias in node.names}
            yield from (Import(of, node, name) for name in sorted(names))


def is_module(package: str, name: str) -> bool:
    top, *rest = package.split(".")
    folder = ROOT.joinpath(top, *rest)
    return top == "fedn" and ((folder / f"{name}.py").is_file() or (folder / name).is_dir())


def depth(part: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if part in layer)


def layer_faults(of: Module) -> Iterator[str]:
    if not any(of.part in layer for layer in LAYERS):
        yield f"{of.path}: {of.part!r} has no place yet; give it one in LAYERS"
        return
    for one in imports(of):
        part = part_of(one.target)
        if not one.target.startswith("fedn.") or part == of.part or not any(part in layer for layer in LAYERS):
            continue
        if depth(part) == depth(of.part) and depth(part):
            yield f"{one}: {of.part} and {part} stand beside each other and share what lies below"
        elif depth(part) < depth(of.part):
            yield f"{one}: {part} lies above {of.part}, and imports point down only"


def home_faults(of: Module) -> Iterator[str]:
    for one in imports(of):
        home = HOMES.get(one.target.split(".")[0], of.part)
        if home != of.part:
            yield f"{one}: only fedn.{home} does that"


def framework_faults(of: Module) -> Iterator[str]:
    for one in imports(of):
        if one.target.split(".")[0] in FRAMEWORKS:
            yield f"{one}: models are arrays here, and frameworks stay in compute packages"


def purity_faults(of: Module) -> Iterator[str]:
    if of.part != "core":
        return
    allowed = PURE | {"fedn"} | ({"io", "mmap", "pathlib"} if of.name in READS_FILES else set())
    for one in imports(of):
        if one.target.split(".")[0] not in allowed:
            yield f"{one}: core is pure, it takes values and gives values"


def environment_faults(of: Module) -> Iterator[str]:
    if of.part in ("config", "package"):  # package builds the environment of child processes
        return
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Attribute):
            reads = node.attr in ENVIRONMENT and ast.unparse(node.value) == "os"
        else:
            names = node.names if isinstance(node, ast.ImportFrom) and node.module == "os" else []
            reads = any(alias.name in ENVIRONMENT for alias in names)
        if reads:
            yield f"{of.at(node)} reads the environment: only fedn.config does that, and hands settings on"


def print_faults(of: Module) -> Iterator[str]:
    if of.part == "cli":
        return
    for node in ast.walk(of.tree):
        if isinstance(node, ast.Name) and node.id == "print":
            yield f"{of.at(node)} prints: only fedn.cli does that; log it, return it or raise it"


RULES = [layer_faults, home_faults, framework_faults, purity_faults, environment_faults, print_faults]


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps_the_rule(rule: Callable[[Module], Iterator[str]]) -> None:
    assert len(modules()) > 50
    faults = sorted({fault for one in modules() for fault in rule(one)})
    assert not faults, "\n" + "\n".join(faults)


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {one.name: {each.target for each in imports(one)} - {one.name} for one in modules()}
    graph = {name: targets & graph.keys() for name, targets in graph.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("these modules import each other: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize(
    ("rule", "path", "source", "fault"),
    [
        (layer_faults, "fedn/core/x.py", "from fedn.rpc import codec", "rpc lies above core"),
        (layer_faults, "fedn/core/x.py", "from ..security.tokens import Role", "security lies above core"),
        (layer_faults, "fedn/core/__init__.py", "from ..rpc import codec", "rpc lies above core"),
        (layer_faults, "fedn/client/x.py", "def f():\n    import fedn.combiner.app", "stand beside each other"),
        (layer_faults, "fedn/stores/x.py", "from fedn import rpc", "stand beside each other"),
        (layer_faults, "fedn/novel.py", "", "give it one in LAYERS"),
        (home_faults, "fedn/client/x.py", "import grpc.aio", "fedn/client/x.py:1 imports grpc.aio: only fedn.rpc"),
        (home_faults, "fedn/reducer/x.py", "from sqlite3 import connect", "only fedn.stores"),
        (framework_faults, "fedn/utils/x.py", "def f():\n    import torch.nn", "x.py:2 imports torch.nn: models are"),
        (purity_faults, "fedn/core/x.py", "import numpy as np\nimport time", "x.py:2 imports time: core is pure"),
        (purity_faults, "fedn/core/round.py", "from pathlib import Path", "core is pure"),
        (environment_faults, "fedn/log.py", "import os\nos.environ['A']", "fedn/log.py:2 reads the environment"),
        (environment_faults, "fedn/log.py", "from os import getenv", "only fedn.config"),
        (print_faults, "fedn/core/x.py", "print()", "only fedn.cli"),
    ],
)
def test_a_rule_names_who_breaks_it(
    rule: Callable[[Module], Iterator[str]], path: str, source: str, fault: str
) -> None:
    [message] = rule(module(Path(path), source))
    assert fault in message


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("fedn/cli/main.py", "import os\nfrom fedn import api, sandbox\nfrom fedn.reducer import app\nprint()"),
        ("fedn/rpc/x.py", "import grpc\nfrom fedn.proto import fedn_pb2\nfrom . import codec"),
        ("fedn/config/x.py", "import os\nos.environ"),
        ("fedn/core/weights.py", "from pathlib import Path\nimport numpy.lib\nfrom fedn.errors import InvalidModel"),
    ],
)
def test_whoever_keeps_the_rules_hears_nothing(path: str, source: str) -> None:
    assert [fault for rule in RULES for fault in rule(module(Path(path), source))] == []
