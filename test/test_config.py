from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from fedn.config import (
    ClientSettings,
    CombinerSettings,
    FileStorageSettings,
    MongoSettings,
    ReducerSettings,
    S3Settings,
    Settings,
    SqliteSettings,
    load_client,
    load_combiner,
    load_member,
    load_reducer,
    options,
    texts,
)
from fedn.errors import ConfigError

TEMPLATES = Path(__file__).parents[1] / "config"
SECRETS = {
    "MONGO_PASSWORD": "mongo-secret",
    "MINIO_PASSWORD": "minio-secret",
    "FEDN_COMBINER_TOKEN": "combiner-secret",
    "FEDN_CLIENT_TOKEN": "client-secret",
}

REDUCER_2021 = """
network_id: fedn-test-network
control: {state: idle, helper: keras}
statestore:
  type: MongoDB
  mongo_config: {username: fedn_admin, password: 0123, host: mongo, port: 6534}
storage:
  storage_type: S3
  storage_config:
    storage_hostname: minio
    storage_port: 9000
    storage_access_key: fedn_admin
    storage_secret_key: password
    storage_bucket: fedn-models
    context_bucket: fedn-context
    storage_secure_mode: False
"""
COMBINER_2021 = """
network_id: fedn-test-network
controller: {discover_host: reducer, discover_port: 8090, token: abc}
combiner: {name: combiner, host: combiner, port: 12080, max_clients: 30}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "settings.yaml"
        file.write_text(text)
        return file

    return write


def refused(file: Path | None, flags: Mapping[str, object], env: Mapping[str, str], *said: str) -> None:
    """Loading these as a combiner's settings says every one of `said`."""
    with pytest.raises(ConfigError) as raised:
        load_combiner(file, flags, env)
    for text in said:
        assert text in str(raised.value)


def test_defaults_need_nothing() -> None:
    assert load_reducer(None, {}, {}) == ReducerSettings()
    assert load_combiner(None, {}, {}) == CombinerSettings()
    assert load_client(None, {}, {}) == ClientSettings()
    assert ReducerSettings().statestore == SqliteSettings()
    assert ReducerSettings().storage == FileStorageSettings()


def test_precedence_is_defaults_environment_flags_file(write: Callable[[str], Path]) -> None:
    env = {"FEDN_PORT": "1", "FEDN_NAME": "env", "FEDN_BIND": "127.0.0.1"}
    flags = {"port": 2, "name": "flag", "host": None}
    settings = load_combiner(write("combiner: {port: 3}"), flags, env)
    assert (settings.port, settings.name, settings.bind, settings.max_clients) == (3, "flag", "127.0.0.1", 10_000)


def test_flag_that_was_not_given_and_empty_variable_change_nothing() -> None:
    assert load_combiner(None, {"port": None}, {"FEDN_PORT": "", "FEDN_UNKNOWN": "x"}) == CombinerSettings()


def test_the_environment_is_the_processes_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDN_NETWORK_ID", "from-outside")
    assert load_client(None, {}).network_id == "from-outside"


def test_reducer_file_of_2021(write: Callable[[str], Path]) -> None:
    settings = load_reducer(write(REDUCER_2021), {}, {})
    assert settings.helper == "keras"
    assert settings.statestore == MongoSettings(host="mongo", port=6534, username="fedn_admin", password="0123")
    assert settings.storage == S3Settings(
        hostname="minio", port=9000, access_key="fedn_admin", secret_key="password", secure=False
    )


def test_combiner_file_of_2021(write: Callable[[str], Path]) -> None:
    assert load_combiner(write(COMBINER_2021), {}, {}) == CombinerSettings(
        network_id="fedn-test-network",
        discover_host="reducer",
        token="abc",
        host="combiner",
        max_clients=30,
    )


def test_client_file_of_2021(write: Callable[[str], Path]) -> None:
    file = write("controller: {discover_host: reducer, discover_port: 8091, token: abc, checksum: 0e12345}")
    settings = load_client(file, {}, {})
    assert (settings.discover_host, settings.discover_port, settings.checksum) == ("reducer", 8091, "0e12345")


def test_templates_load_as_they_are() -> None:
    reducer = load_reducer(TEMPLATES / "settings-reducer.yaml.template", {}, SECRETS)
    assert isinstance(reducer.statestore, MongoSettings)
    assert reducer.statestore.password == "mongo-secret"
    assert reducer.names == ("reducer",)
    assert load_combiner(TEMPLATES / "settings-combiner.yaml.template", {}, SECRETS).token == "combiner-secret"
    assert load_client(TEMPLATES / "settings-client.yaml.template", {}, SECRETS).token == "client-secret"


def test_empty_file_and_null_leave_defaults(write: Callable[[str], Path]) -> None:
    assert load_combiner(write(""), {}, {}) == CombinerSettings()
    assert load_combiner(write("combiner:\n  name:\nbind: ~\n"), {}, {}) == CombinerSettings()


@pytest.mark.parametrize("text", ["true", "Yes", "on", "1", "True"])
def test_ways_to_say_true(text: str) -> None:
    assert load_client(None, {}, {"FEDN_DRY_RUN": text}).dry_run


@pytest.mark.parametrize("text", ["false", "no", "OFF", "0", "False"])
def test_ways_to_say_false(text: str) -> None:
    assert not load_client(None, {}, {"FEDN_REMOTE": text}).remote


def test_values_are_typed(write: Callable[[str], Path]) -> None:
    file = write(
        "names: [reducer.example.org, 10.0.0.1]\nmax_model_bytes: 2 GiB\nlog_level: debug\ndata_dir: /srv/fedn\n"
    )
    settings = load_reducer(file, {}, {})
    assert settings.names == ("reducer.example.org", "10.0.0.1")
    assert settings.max_model_bytes == 2 * 2**30
    assert settings.log_level == "DEBUG"
    assert settings.data_dir == Path("/srv/fedn")
    assert load_reducer(None, {"names": ("a", "b")}, {}).names == ("a", "b")
    assert load_reducer(None, {}, {"FEDN_NAMES": "a, b"}).names == ("a", "b")
    assert load_combiner(None, {"rejoin_seconds": 0.5}, {}).rejoin_seconds == 0.5
    assert load_reducer(None, {"monitor_seconds": "0"}, {}).monitor_seconds == 0


@pytest.mark.parametrize("text", ["-1", "inf", "nan", "soon"])
def test_an_interval_is_a_number_of_seconds_or_none(text: str) -> None:
    with pytest.raises(ConfigError, match=f"'{text}' is not a number of seconds, 0 for never"):
        load_reducer(None, {}, {"FEDN_MONITOR_SECONDS": text})


def test_sections_can_be_merged(write: Callable[[str], Path]) -> None:
    settings = load_combiner(write("combiner:\n  <<: {name: base, port: 1}\n  port: 2\n"), {}, {})
    assert (settings.name, settings.port) == ("base", 2)


def test_stores_are_chosen_by_environment() -> None:
    env = {"FEDN_STATESTORE_TYPE": "mongodb", "FEDN_STATESTORE_HOST": "m", "FEDN_STORAGE_PATH": "/srv/artifacts"}
    settings = load_reducer(None, {}, env)
    assert settings.statestore == MongoSettings(host="m")
    assert settings.storage == FileStorageSettings(path=Path("/srv/artifacts"))


def test_secret_from_a_file(tmp_path: Path, write: Callable[[str], Path]) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    assert load_combiner(write(f"controller: {{token_file: {secret}}}"), {}, {}).token == "s3cret"
    assert load_combiner(None, {}, {"FEDN_TOKEN_FILE": str(secret)}).token == "s3cret"
    assert load_combiner(None, {"token_file": secret}, {"FEDN_TOKEN": "other"}).token == "s3cret"


def test_secret_from_the_environment(write: Callable[[str], Path]) -> None:
    file = write("controller: {token: '${MY_TOKEN}'}")
    assert load_combiner(file, {}, {"MY_TOKEN": "s3cret"}).token == "s3cret"
    refused(file, {}, {}, "controller.token", "MY_TOKEN is not set")


def test_no_secret_is_shown(write: Callable[[str], Path]) -> None:
    shown = repr(load_reducer(write(REDUCER_2021), {"token": "t0ken"}, {}))
    assert "mongo" in shown
    assert not re.search("0123|t0ken|secret_key|access_key|password", shown)
    assert "abc" not in repr(load_combiner(write(COMBINER_2021), {"join": "abc"}, {}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("combiner: {prt: 1}", ["settings.yaml: there is no setting combiner.prt", "did you mean combiner.port?"]),
        ("max_clients: 3", ["no setting max_clients", "did you mean combiner.max_clients?"]),
        ("zzzzqqq: 3", ["no setting zzzzqqq", "the settings here are: bind, combiner"]),
        ("combiner: {port: twelve}", ["settings.yaml: combiner.port: 'twelve' is not a port number from 0 to 65535"]),
        ("combiner: {port: 65536}", ["combiner.port: '65536' is not a port number"]),
        ("combiner: {port: [1]}", ["combiner.port: expected a port number from 0 to 65535, not a list"]),
        ("combiner: {port: {a: 1}}", ["combiner.port: expected a port number from 0 to 65535, not a section"]),
        ("combiner: 12080", ["settings.yaml: combiner is a single value, expected a section"]),
        ("- a\n- b", ["settings.yaml is a list, expected a section"]),
        ("combiner: {port: 1", ["settings.yaml, line 1: not valid YAML"]),
        ("a: 1\n\tb: 2", ["settings.yaml, line 2: not valid YAML"]),
        ("bind: a\nbind: b", ["settings.yaml, line 2: not valid YAML: 'bind' stands there twice"]),
        ("secure: maybe", ["secure: 'maybe' is not true or false"]),
        ("log_format: xml", ["log_format: 'xml' is not one of text, json"]),
        ("heartbeat_seconds: 0", ["heartbeat_seconds: '0' is not a number of seconds above 0"]),
        ("heartbeat_seconds: nan", ["heartbeat_seconds: 'nan' is not a number of seconds above 0"]),
        ("spool_bytes: 3 apples", ["spool_bytes: '3 apples' is not a number of bytes"]),
        ("spool_bytes: -1", ["spool_bytes: '-1' is not a number of bytes"]),
        ("network_id: a/b", ["network_id: 'a/b' is not 1 to 63 letters"]),
        ("combiner: {name: ../up}", ["combiner.name: '../up' is not a name"]),
        ("combiner: {max_clients: 0}", ["combiner.max_clients: '0' is not a whole number from 1"]),
        ("controller: {token: a, token_file: b}", ["controller.token", "controller.token_file", "the same setting"]),
        ("controller: {token_file: /nowhere/x}", ["controller.token_file: /nowhere/x can't be read: No such file"]),
    ],
)
def test_bad_file_says_what_is_wrong(text: str, said: list[str], write: Callable[[str], Path]) -> None:
    refused(write(text), {}, {}, *said)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    refused(tmp_path / "none.yaml", {}, {}, "none.yaml", "can't be read: No such file")
    refused(tmp_path, {}, {}, str(tmp_path), "can't be read: Is a directory")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    refused(tmp_path / "binary.yaml", {}, {}, "binary.yaml", "not text in UTF-8")
    (tmp_path / "control.yaml").write_bytes(b"a: \x01")
    refused(tmp_path / "control.yaml", {}, {}, "control.yaml", "not valid YAML")


def test_bad_flag_and_variable_are_named() -> None:
    refused(None, {"port": "x"}, {}, "flag port: 'x' is not a port number")
    refused(None, {"prot": 1}, {}, "flag prot: there is no such setting", "did you mean port?")
    refused(None, {}, {"FEDN_PORT": "tcp://10.0.0.1:80"}, "FEDN_PORT: 'tcp://10.0.0.1:80' is not a port number")


def test_bad_secret_is_not_repeated(write: Callable[[str], Path]) -> None:
    file = write("controller: {token: [hush]}")
    refused(file, {}, {}, "controller.token: expected text, not a list")


def test_setting_of_a_store_that_was_not_chosen(write: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigError, match=r"statestore\.mongo_config\.host: only for the type MongoDB.*SQLite"):
        load_reducer(write("statestore: {mongo_config: {host: mongo}}"), {}, {})
    with pytest.raises(ConfigError, match=r"storage\.storage_type: 'ftp' is not one of files, S3"):
        load_reducer(write("storage: {storage_type: ftp}"), {}, {})


@pytest.mark.parametrize("role", [ReducerSettings, CombinerSettings, ClientSettings])
def test_every_setting_has_one_name_key_and_variable(role: type) -> None:
    known = list(options(role))
    for attribute in ("name", "key", "env"):
        assert len({getattr(option, attribute) for option in known}) == len(known)


@pytest.mark.parametrize("role", [ReducerSettings, CombinerSettings, ClientSettings])
def test_every_setting_says_what_it_is_for(role: type[Settings]) -> None:
    said = texts(role)
    assert list(said) == [field.name for field in fields(role)]
    assert all(text.endswith(".") for text in said.values())


def test_an_operator_needs_to_be_told_no_more_than_a_member() -> None:
    found = load_member(None, {"join": "fedn://x", "data_dir": None}, {"FEDN_DATA_DIR": "there"})
    assert (found.join, found.data_dir) == ("fedn://x", Path("there"))
