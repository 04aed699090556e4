"""A whole federation on one machine: each role a process of its own, with TLS and tokens, in one data folder.

with Sandbox(Plan(package=Path("test/digits"))) as sandbox:
    for kind, data in sandbox.train():
        ...
    print(sandbox.result().accuracy)
"""

from fedn.sandbox.federation import Plan, Result, Sandbox

__all__ = ["Plan", "Result", "Sandbox"]
