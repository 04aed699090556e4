"""The commands of `docs/kubernetes.md` name what is in `config/kubernetes`."""

from __future__ import annotations

import re
import shlex

from kustomized import render
from manifests import DIRS, GUIDE, ROOT, everywhere, only, pod, the


@everywhere
def test_secrets_are_those_that_the_documentation_makes(name: str) -> None:
    text = GUIDE.read_text(encoding="utf-8").replace("\\\n", " ")
    made = {
        found[1]: set(re.findall(r"--from-(?:literal|file)=([\w-]+)=", found[2]))
        for found in re.finditer(r"create secret generic (\S+)([^\n]*)", text)
    }
    for one in only(render(DIRS[name]), "StatefulSet"):
        for volume in pod(one)["volumes"]:
            if secret := volume.get("secret"):
                assert {item["key"] for item in secret["items"]} == made[secret["secretName"]]


def test_the_commands_of_the_documentation_name_what_is_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    applied = re.findall(r"kubectl apply -k (\S+)", text)
    assert {(ROOT / path).resolve() for path in applied} == set(DIRS.values())
    assert all((ROOT / path).is_file() for path in re.findall(r"kubectl apply -f (\S+)", text))
    kinds = {"statefulset": "StatefulSet", "service": "Service"}
    named = re.findall(r"kubectl [^\n]*?(statefulset|service)/([a-z-]+)", text)
    assert named
    for kind, name in named:
        the(render(DIRS["base"]), kinds[kind], name)
    for words in re.findall(r"kubectl [^\n]*exec [^\n]*?-- (fedn [^|)\n]+)", text):
        assert shlex.split(words)[0] == "fedn"
