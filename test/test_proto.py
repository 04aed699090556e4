"""The wire: its frozen part to the number, and the generated code up to date with its source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor

from fedn.proto import fedn_pb2

ROOT = Path(__file__).parent.parent
FILE = fedn_pb2.DESCRIPTOR

TYPES = {
    FieldDescriptor.TYPE_STRING: "s",
    FieldDescriptor.TYPE_BYTES: "b",
    FieldDescriptor.TYPE_UINT32: "u",
}

PAIR = "1 sender Client · 2 receiver Client"
REQUEST = f"{PAIR} · 3 model_id s · 4 data s · 5 correlation_id s · 6 timestamp s"

MESSAGES = {
    "Client": "1 role Role · 2 name s",
    "Response": "1 sender Client · 2 response s",
    "Status": "1 sender Client · 2 status s · 3 log_level Status.LogLevel · 4 data s · 5 correlation_id s"
    " · 6 timestamp s · 7 type StatusType · 8 extra s",
    "ModelUpdateRequest": REQUEST,
    "ModelUpdate": f"{PAIR} · 3 model_id s · 4 model_update_id s · 5 correlation_id s · 6 timestamp s · 7 meta s",
    "ModelValidationRequest": REQUEST,
    "ModelValidation": f"{REQUEST} · 7 meta s",
    "ModelRequest": f"{PAIR} · 3 data b · 4 id s · 5 status ModelStatus",
    "ModelResponse": "1 data b · 2 id s · 3 status ModelStatus · 4 message s",
    "GetGlobalModelRequest": PAIR,
    "GetGlobalModelResponse": f"{PAIR} · 3 model_id s",
    "Heartbeat": "1 sender Client",
    "ClientAvailableMessage": "1 sender Client · 2 data s · 3 timestamp s",
    "ListClientsRequest": "1 sender Client · 2 channel Channel",
    "ClientList": "1 client []Client",
    "ReassignRequest": f"{PAIR} · 3 server s · 4 port u",
    "ReconnectRequest": f"{PAIR} · 3 reconnect u",
    "Parameter": "1 key s · 2 value s",
    "ControlRequest": "1 command Command · 2 parameter []Parameter",
    "ControlResponse": "1 message s · 2 parameter []Parameter",
    "ReportResponse": "1 sender Client · 2 parameter []Parameter",
    "ConnectionRequest": "",
    "ConnectionResponse": "1 status ConnectionStatus",
}
"""Every message of the 2021 network: number, name and type of its fields (s string, b bytes, u uint32, [] repeated)."""

ENUMS = {
    "StatusType": "LOG 0 · MODEL_UPDATE_REQUEST 1 · MODEL_UPDATE 2 · MODEL_VALIDATION_REQUEST 3 · MODEL_VALIDATION 4",
    "Status.LogLevel": "INFO 0 · DEBUG 1 · WARNING 2 · ERROR 3 · AUDIT 4",
    "Channel": "DEFAULT 0 · MODEL_UPDATE_REQUESTS 1 · MODEL_UPDATES 2 · MODEL_VALIDATION_REQUESTS 3"
    " · MODEL_VALIDATIONS 4 · STATUS 5",
    "ModelStatus": "OK 0 · IN_PROGRESS 1 · IN_PROGRESS_OK 2 · FAILED 3",
    "Role": "WORKER 0 · COMBINER 1 · REDUCER 2 · OTHER 3",
    "Command": "IDLE 0 · START 1 · PAUSE 2 · STOP 3 · RESET 4 · REPORT 5",
    "ConnectionStatus": "NOT_ACCEPTING 0 · ACCEPTING 1 · TRY_AGAIN_LATER 2",
}

RPCS = {
    "ModelService.Upload": "→→ModelRequest ModelResponse",
    "ModelService.Download": "ModelRequest →→ModelResponse",
    "Control.Start": "ControlRequest ControlResponse",
    "Control.Stop": "ControlRequest ControlResponse",
    "Control.Configure": "ControlRequest ReportResponse",
    "Control.Report": "ControlRequest ReportResponse",
    "Reducer.GetGlobalModel": "GetGlobalModelRequest GetGlobalModelResponse",
    "Connector.AllianceStatusStream": "ClientAvailableMessage →→Status",
    "Connector.SendStatus": "Status Response",
    "Connector.ListActiveClients": "ListClientsRequest ClientList",
    "Connector.AcceptingClients": "ConnectionRequest ConnectionResponse",
    "Connector.SendHeartbeat": "Heartbeat Response",
    "Connector.ReassignClient": "ReassignRequest Response",
    "Connector.ReconnectClient": "ReconnectRequest Response",
    "Combiner.ModelUpdateRequestStream": "ClientAvailableMessage →→ModelUpdateRequest",
    "Combiner.ModelUpdateStream": "ClientAvailableMessage →→ModelUpdate",
    "Combiner.ModelValidationRequestStream": "ClientAvailableMessage →→ModelValidationRequest",
    "Combiner.ModelValidationStream": "ClientAvailableMessage →→ModelValidation",
    "Combiner.SendModelUpdateRequest": "ModelUpdateRequest Response",
    "Combiner.SendModelUpdate": "ModelUpdate Response",
    "Combiner.SendModelValidationRequest": "ModelValidationRequest Response",
    "Combiner.SendModelValidation": "ModelValidation Response",
}
"""Every RPC of the 2021 network: what it takes and gives; →→ streams."""

FROZEN_BELOW = 20
"""Fields that were added since have numbers from here on."""


def field(descriptor: FieldDescriptor) -> str:
    named = descriptor.message_type or descriptor.enum_type
    kind = named.full_name.removeprefix("grpc.") if named else TYPES.get(descriptor.type, f"type {descriptor.type}")
    return f"{descriptor.number} {descriptor.name} {'[]' if descriptor.is_repeated else ''}{kind}"


def frozen_fields(message: str) -> list[FieldDescriptor]:
    fields = FILE.message_types_by_name[message].fields
    return sorted((one for one in fields if one.number < FROZEN_BELOW), key=lambda one: one.number)


def test_the_package_and_syntax_are_those_of_2021() -> None:
    assert FILE.package == "grpc"
    assert not any(one.has_presence and not one.message_type for name in MESSAGES for one in frozen_fields(name))


@pytest.mark.parametrize("message", MESSAGES)
def test_a_frozen_message_has_its_fields_and_others_only_above_them(message: str) -> None:
    assert " · ".join(field(one) for one in frozen_fields(message)) == MESSAGES[message]


@pytest.mark.parametrize("enum", ENUMS)
def test_a_frozen_enum_has_its_values(enum: str) -> None:
    outer, _, inner = enum.rpartition(".")
    found = FILE.message_types_by_name[outer].enum_types_by_name[inner] if outer else FILE.enum_types_by_name[enum]
    assert " · ".join(f"{one.name} {one.number}" for one in found.values) == ENUMS[enum]


@pytest.mark.parametrize("rpc", RPCS)
def test_a_frozen_rpc_takes_and_gives_what_it_did(rpc: str) -> None:
    service, method = rpc.split(".")
    found = FILE.services_by_name[service].methods_by_name[method]
    taken = f"{'→→' if found.client_streaming else ''}{found.input_type.name}"
    assert f"{taken} {'→→' if found.server_streaming else ''}{found.output_type.name}" == RPCS[rpc]


def test_what_came_later_has_services_of_its_own() -> None:
    frozen = {rpc.split(".")[0] for rpc in RPCS}
    methods = {f"{name}.{method.name}" for name in frozen for method in FILE.services_by_name[name].methods}
    assert methods == RPCS.keys()


def test_the_generated_code_is_that_of_the_source(tmp_path: Path) -> None:
    plugin = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python", "mypy_grpc")]
    protoc = [sys.executable, "-m", "grpc_tools.protoc", "-Ifedn/proto=proto", f"--plugin={plugin}", *outputs]
    subprocess.run([*protoc, "fedn/proto/fedn.proto"], cwd=ROOT, check=True)
    generated = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "fedn" / "proto").iterdir()}
    committed = {name: (ROOT / "fedn" / "proto" / name).read_text(encoding="utf-8") for name in generated}
    assert len(generated) == 4
    stale = [name for name in generated if generated[name] != committed[name]]
    assert not stale, "run `make proto` and commit what it writes"
