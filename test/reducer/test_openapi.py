from __future__ import annotations

import re
from typing import Any

from openapi_spec_validator import validate

from fedn.security.policy import PUBLIC, ROUTES


def rule_of(path: str) -> str:
    return re.sub(r"{(.+?)}", r"<\1>", path)


def test_the_document_is_valid_and_says_all_of_the_routes(shared: Any) -> None:
    spec = shared.http(None).get("/api/v1/openapi.json")
    validate(spec)
    described = {
        f"{method.upper()} {rule_of(path)}"
        for path, operations in spec["paths"].items()
        for method in operations
        if method != "parameters"
    }
    api = {key for key in ROUTES if " /api/v1/" in key and not key.endswith("openapi.json")}
    assert described == api


def test_every_operation_says_who_may_what_it_takes_and_what_it_answers(shared: Any) -> None:
    spec = shared.http(None).get("/api/v1/openapi.json")
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            key = f"{method.upper()} {rule_of(path)}"
            rule = ROUTES[key]
            assert operation["security"] == ([] if rule == PUBLIC else [{"token": []}]), key
            assert operation.get("x-roles", PUBLIC) == (rule if rule == PUBLIC else sorted(role.value for role in rule))
            assert operation["summary"].endswith("."), key
            (good,) = operation["responses"].keys() - {"default"}
            assert good in ("200", "201", "204"), key
            assert ("content" in operation["responses"][good]) is (good != "204"), key
            for response in operation["responses"].values():
                assert all(content["schema"] for content in response.get("content", {}).values()), key


def test_files_limits_and_texts_are_in_it(shared: Any) -> None:
    spec = shared.http(None).get("/api/v1/openapi.json")
    body = spec["paths"]["/api/v1/models"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/octet-stream", "multipart/form-data"}
    limit = next(one for one in spec["paths"]["/api/v1/models"]["get"]["parameters"] if one["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"], limit["schema"]["default"]) == (1, 1000, 100)
    session = spec["components"]["schemas"]["SessionRequest"]["properties"]
    assert session["validate"]["description"]
    assert "items" in spec["components"]["schemas"]["SessionList"]["properties"]
