from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from fedn import log
from fedn.errors import ConfigError
from fedn.security.tokens import Role, TokenIssuer, new_signing_key

LOGGER = logging.getLogger("fedn.test")
TOKEN = TokenIssuer(new_signing_key(), "net").issue(Role.CLIENT, token_id="t", now=0, lifetime=1)


def test_text_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", "text", role="reducer")
    LOGGER.info("round %d begins", 3)
    LOGGER.debug("too small to mention")
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.endswith("INFO    reducer: round 3 begins\n")
    assert output.err.count("\n") == 1


def test_json_lines_carry_ids_and_exceptions(tmp_path: Path) -> None:
    file = tmp_path / "log" / "combiner.log"
    log.configure("DEBUG", "json", str(file), role="combiner")
    with log.bind(session="s1"), log.bind(round=2):
        LOGGER.debug("inside")
    try:
        raise ValueError("broken")
    except ValueError:
        LOGGER.exception("outside")
    inside, outside = (json.loads(line) for line in file.read_text().splitlines())
    assert (inside["session"], inside["round"], inside["role"], inside["level"]) == ("s1", "2", "combiner", "DEBUG")
    assert (inside["logger"], inside["message"]) == ("fedn.test", "inside")
    assert inside["time"].endswith("Z")
    assert "session" not in outside
    assert "ValueError: broken" in outside["exception"]


def test_text_lines_carry_ids(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", "text", role="client")
    with log.bind(client="c1"):
        LOGGER.info("hello")
    assert "hello client=c1\n" in capsys.readouterr().err


def test_ids_cannot_replace_what_a_line_is(tmp_path: Path) -> None:
    log.configure("INFO", "json", str(tmp_path / "log"), role="client")
    with log.bind(level="NONE", message="forged"):
        LOGGER.info("real")
    line = json.loads((tmp_path / "log").read_text())
    assert (line["level"], line["message"]) == ("INFO", "real")


def test_foreign_text_cannot_forge_a_line_or_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", "text", role="combiner")
    LOGGER.info("status: %s", "ok\n2026-01-01 INFO reducer: all is well\x1b[2J\rgone")
    lines = capsys.readouterr().err.splitlines()
    assert [line[:4] == "    " for line in lines] == [False, True]
    assert "\\x1b[2J\\rgone" in lines[1]


@pytest.mark.parametrize("form", ["text", "json"])
def test_text_that_is_no_unicode_is_logged_all_the_same(form: str, tmp_path: Path) -> None:
    # In a process of its own: what the test's own runner captures, it must be able to pass on.
    code = f"""
import logging
from fedn import log
log.configure("INFO", {form!r}, {str(tmp_path / "log")!r}, role="client")
logging.getLogger("fedn.test").info("file %s", "caf" + chr(0xDCE9))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "caf\\udce9" in (tmp_path / "log").read_text()


def test_libraries_are_heard_from_warning_up(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("DEBUG", "text", role="reducer")
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("trouble")
    assert capsys.readouterr().err.endswith("WARNING reducer: trouble\n")


def test_configuring_again_replaces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", "text", role="reducer")
    log.configure("ERROR", "text", str(tmp_path / "log"), role="reducer")
    LOGGER.info("no")
    LOGGER.error("yes")
    assert (tmp_path / "log").read_text().count("\n") == 1
    assert capsys.readouterr().err == ""


def test_a_log_file_that_was_moved_away_is_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log.configure("INFO", "text", str(file), role="reducer")
    LOGGER.info("before")
    file.rename(tmp_path / "log.1")
    LOGGER.info("after")
    assert "after" in file.read_text()


def test_log_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be written: Is a directory"):
        log.configure("INFO", "text", str(tmp_path), role="reducer")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"sent {TOKEN} off", TOKEN),
        (f"joining fedn://host:8090/{'a' * 64}/{TOKEN}", TOKEN),
        (f"joining fedn://[::1]:8090/{'a' * 64}/other-token now", "other-token"),
        ("mongodb://admin:hunter2@mongo:27017/", "hunter2"),
        ("Authorization: Token hunter2", "hunter2"),
        ("{'Authorization': 'Bearer hunter2', 'x': 1}", "hunter2"),
        ("password=hunter2&name=x", "hunter2"),
        ("mongo_password: hunter2", "hunter2"),
        ('{"storage_secret_key": "hunter2 and more"}', "hunter2 and more"),
        ("FEDN_TOKEN=hunter2", "hunter2"),
        ("GET http://s3:9000/b/m?X-Amz-Expires=60&X-Amz-Signature=ab12cd HTTP/1.1", "ab12cd"),
        ("https://s3/b/m?X-Amz-Credential=ada%2F20261124&x-amz-security-token=hunter2", "hunter2"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_masked(form: str, text: str, secret: str, tmp_path: Path) -> None:
    log.configure("INFO", "json" if form == "json" else "text", str(tmp_path / "log"), role="reducer")
    LOGGER.info("%s", text)
    try:
        raise ValueError(text)
    except ValueError:
        LOGGER.exception("failed")
    written = (tmp_path / "log").read_text()
    assert secret not in written
    assert written.count(log.MASK) >= 2


def test_what_is_no_secret_stays() -> None:
    text = "token of client c1 expired; token_id=42; see https://host:8090/models/a.b.c, user a@b.c"
    assert log.redact(text) == text
