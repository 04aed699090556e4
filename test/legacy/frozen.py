"""The wire of 2021 as Python modules, for clients that know no other: the frozen part of `proto/fedn.proto` alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROTO = Path(__file__).parents[2] / "proto" / "fedn.proto"

ADDED_FROM = 20
"""Fields of a frozen message that were added since have numbers from here on."""

_PART_2 = re.compile(r"^// -+\n// Part 2: extensions$", re.MULTILINE)
_FIELD = re.compile(r"^ +[\w .<>,]+ = (\d+);.*\n", re.MULTILINE)


def frozen(source: str) -> str:
    """What of a `fedn.proto` was there in 2021."""
    part_1, *_ = _PART_2.split(source)
    return _FIELD.sub(lambda field: "" if int(field[1]) >= ADDED_FROM else field[0], part_1)


def write_stubs(folder: Path) -> None:
    """Have protoc write `fedn_pb2.py` and `fedn_pb2_grpc.py` for the wire of 2021 into a folder."""
    (folder / "fedn.proto").write_text(frozen(PROTO.read_text(encoding="utf-8")), encoding="utf-8")
    command = ("-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}", f"--grpc_python_out={folder}")
    subprocess.run([sys.executable, *command, "fedn.proto"], check=True)
