"""Settings are in pyproject.toml; here is the one step of the build that can't be said there."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROTO = Path("proto", "fedn.proto")


class BuildWithProto(build_py):
    """Puts the wire's description beside the code that was generated from it. In the tree it is outside of `fedn/`."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.mkpath(str(self._target.parent))
            self.copy_file(str(PROTO), str(self._target), preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *([] if self.editable_mode else [str(self._target)])]

    @property
    def _target(self) -> Path:
        return Path(self.build_lib, "fedn", PROTO)


setup(cmdclass={"build_py": BuildWithProto})
