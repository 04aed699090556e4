from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatusType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOG: _ClassVar[StatusType]
    MODEL_UPDATE_REQUEST: _ClassVar[StatusType]
    MODEL_UPDATE: _ClassVar[StatusType]
    MODEL_VALIDATION_REQUEST: _ClassVar[StatusType]
    MODEL_VALIDATION: _ClassVar[StatusType]

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEFAULT: _ClassVar[Channel]
    MODEL_UPDATE_REQUESTS: _ClassVar[Channel]
    MODEL_UPDATES: _ClassVar[Channel]
    MODEL_VALIDATION_REQUESTS: _ClassVar[Channel]
    MODEL_VALIDATIONS: _ClassVar[Channel]
    STATUS: _ClassVar[Channel]

class ModelStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OK: _ClassVar[ModelStatus]
    IN_PROGRESS: _ClassVar[ModelStatus]
    IN_PROGRESS_OK: _ClassVar[ModelStatus]
    FAILED: _ClassVar[ModelStatus]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER: _ClassVar[Role]
    COMBINER: _ClassVar[Role]
    REDUCER: _ClassVar[Role]
    OTHER: _ClassVar[Role]

class Command(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDLE: _ClassVar[Command]
    START: _ClassVar[Command]
    PAUSE: _ClassVar[Command]
    STOP: _ClassVar[Command]
    RESET: _ClassVar[Command]
    REPORT: _ClassVar[Command]

class ConnectionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOT_ACCEPTING: _ClassVar[ConnectionStatus]
    ACCEPTING: _ClassVar[ConnectionStatus]
    TRY_AGAIN_LATER: _ClassVar[ConnectionStatus]

class Fate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FATE_UNKNOWN: _ClassVar[Fate]
    ACCEPTED: _ClassVar[Fate]
    REFUSED: _ClassVar[Fate]
    DISCARDED: _ClassVar[Fate]

class TaskType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAIN: _ClassVar[TaskType]
    VALIDATE: _ClassVar[TaskType]
    PREDICT: _ClassVar[TaskType]

class ClientState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASKED: _ClassVar[ClientState]
    WORKING: _ClassVar[ClientState]
    ANSWERED: _ClassVar[ClientState]
    REJECTED: _ClassVar[ClientState]
    BROKEN: _ClassVar[ClientState]
    LOST: _ClassVar[ClientState]
    LATE: _ClassVar[ClientState]
    UPLOADING: _ClassVar[ClientState]
LOG: StatusType
MODEL_UPDATE_REQUEST: StatusType
MODEL_UPDATE: StatusType
MODEL_VALIDATION_REQUEST: StatusType
MODEL_VALIDATION: StatusType
DEFAULT: Channel
MODEL_UPDATE_REQUESTS: Channel
MODEL_UPDATES: Channel
MODEL_VALIDATION_REQUESTS: Channel
MODEL_VALIDATIONS: Channel
STATUS: Channel
OK: ModelStatus
IN_PROGRESS: ModelStatus
IN_PROGRESS_OK: ModelStatus
FAILED: ModelStatus
WORKER: Role
COMBINER: Role
REDUCER: Role
OTHER: Role
IDLE: Command
START: Command
PAUSE: Command
STOP: Command
RESET: Command
REPORT: Command
NOT_ACCEPTING: ConnectionStatus
ACCEPTING: ConnectionStatus
TRY_AGAIN_LATER: ConnectionStatus
FATE_UNKNOWN: Fate
ACCEPTED: Fate
REFUSED: Fate
DISCARDED: Fate
TRAIN: TaskType
VALIDATE: TaskType
PREDICT: TaskType
ASKED: ClientState
WORKING: ClientState
ANSWERED: ClientState
REJECTED: ClientState
BROKEN: ClientState
LOST: ClientState
LATE: ClientState
UPLOADING: ClientState

class Client(_message.Message):
    __slots__ = ("role", "name")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    role: Role
    name: str
    def __init__(self, role: _Optional[_Union[Role, str]] = ..., name: _Optional[str] = ...) -> None: ...

class Response(_message.Message):
    __slots__ = ("sender", "response", "fate")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FATE_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    response: str
    fate: Fate
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., response: _Optional[str] = ..., fate: _Optional[_Union[Fate, str]] = ...) -> None: ...

class Status(_message.Message):
    __slots__ = ("sender", "status", "log_level", "data", "correlation_id", "timestamp", "type", "extra")
    class LogLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INFO: _ClassVar[Status.LogLevel]
        DEBUG: _ClassVar[Status.LogLevel]
        WARNING: _ClassVar[Status.LogLevel]
        ERROR: _ClassVar[Status.LogLevel]
        AUDIT: _ClassVar[Status.LogLevel]
    INFO: Status.LogLevel
    DEBUG: Status.LogLevel
    WARNING: Status.LogLevel
    ERROR: Status.LogLevel
    AUDIT: Status.LogLevel
    SENDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LOG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    status: str
    log_level: Status.LogLevel
    data: str
    correlation_id: str
    timestamp: str
    type: StatusType
    extra: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., status: _Optional[str] = ..., log_level: _Optional[_Union[Status.LogLevel, str]] = ..., data: _Optional[str] = ..., correlation_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., type: _Optional[_Union[StatusType, str]] = ..., extra: _Optional[str] = ...) -> None: ...

class ModelUpdateRequest(_message.Message):
    __slots__ = ("sender", "receiver", "model_id", "data", "correlation_id", "timestamp")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    model_id: str
    data: str
    correlation_id: str
    timestamp: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., model_id: _Optional[str] = ..., data: _Optional[str] = ..., correlation_id: _Optional[str] = ..., timestamp: _Optional[str] = ...) -> None: ...

class ModelUpdate(_message.Message):
    __slots__ = ("sender", "receiver", "model_id", "model_update_id", "correlation_id", "timestamp", "meta", "num_examples", "metrics", "model", "sha256")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    NUM_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    model_id: str
    model_update_id: str
    correlation_id: str
    timestamp: str
    meta: str
    num_examples: int
    metrics: _containers.ScalarMap[str, float]
    model: bytes
    sha256: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., model_id: _Optional[str] = ..., model_update_id: _Optional[str] = ..., correlation_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., meta: _Optional[str] = ..., num_examples: _Optional[int] = ..., metrics: _Optional[_Mapping[str, float]] = ..., model: _Optional[bytes] = ..., sha256: _Optional[str] = ...) -> None: ...

class ModelValidationRequest(_message.Message):
    __slots__ = ("sender", "receiver", "model_id", "data", "correlation_id", "timestamp")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    model_id: str
    data: str
    correlation_id: str
    timestamp: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., model_id: _Optional[str] = ..., data: _Optional[str] = ..., correlation_id: _Optional[str] = ..., timestamp: _Optional[str] = ...) -> None: ...

class ModelValidation(_message.Message):
    __slots__ = ("sender", "receiver", "model_id", "data", "correlation_id", "timestamp", "meta", "num_examples")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    NUM_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    model_id: str
    data: str
    correlation_id: str
    timestamp: str
    meta: str
    num_examples: int
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., model_id: _Optional[str] = ..., data: _Optional[str] = ..., correlation_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., meta: _Optional[str] = ..., num_examples: _Optional[int] = ...) -> None: ...

class ModelRequest(_message.Message):
    __slots__ = ("sender", "receiver", "data", "id", "status", "total_size", "sha256", "offset")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    data: bytes
    id: str
    status: ModelStatus
    total_size: int
    sha256: str
    offset: int
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., data: _Optional[bytes] = ..., id: _Optional[str] = ..., status: _Optional[_Union[ModelStatus, str]] = ..., total_size: _Optional[int] = ..., sha256: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ModelResponse(_message.Message):
    __slots__ = ("data", "id", "status", "message", "total_size", "sha256", "offset")
    DATA_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    id: str
    status: ModelStatus
    message: str
    total_size: int
    sha256: str
    offset: int
    def __init__(self, data: _Optional[bytes] = ..., id: _Optional[str] = ..., status: _Optional[_Union[ModelStatus, str]] = ..., message: _Optional[str] = ..., total_size: _Optional[int] = ..., sha256: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class GetGlobalModelRequest(_message.Message):
    __slots__ = ("sender", "receiver")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ...) -> None: ...

class GetGlobalModelResponse(_message.Message):
    __slots__ = ("sender", "receiver", "model_id")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    model_id: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., model_id: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("sender", "processor", "memory_bytes", "round_trip")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    processor: float
    memory_bytes: int
    round_trip: float
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., processor: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., round_trip: _Optional[float] = ...) -> None: ...

class ClientAvailableMessage(_message.Message):
    __slots__ = ("sender", "data", "timestamp", "instance", "version", "needs_package")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NEEDS_PACKAGE_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    data: str
    timestamp: str
    instance: str
    version: str
    needs_package: bool
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., data: _Optional[str] = ..., timestamp: _Optional[str] = ..., instance: _Optional[str] = ..., version: _Optional[str] = ..., needs_package: bool = ...) -> None: ...

class ListClientsRequest(_message.Message):
    __slots__ = ("sender", "channel")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    channel: Channel
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., channel: _Optional[_Union[Channel, str]] = ...) -> None: ...

class ClientList(_message.Message):
    __slots__ = ("client",)
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    client: _containers.RepeatedCompositeFieldContainer[Client]
    def __init__(self, client: _Optional[_Iterable[_Union[Client, _Mapping]]] = ...) -> None: ...

class ReassignRequest(_message.Message):
    __slots__ = ("sender", "receiver", "server", "port", "combiner")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    COMBINER_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    server: str
    port: int
    combiner: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., server: _Optional[str] = ..., port: _Optional[int] = ..., combiner: _Optional[str] = ...) -> None: ...

class ReconnectRequest(_message.Message):
    __slots__ = ("sender", "receiver", "reconnect")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    receiver: Client
    reconnect: int
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., receiver: _Optional[_Union[Client, _Mapping]] = ..., reconnect: _Optional[int] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ControlRequest(_message.Message):
    __slots__ = ("command", "parameter")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    command: Command
    parameter: _containers.RepeatedCompositeFieldContainer[Parameter]
    def __init__(self, command: _Optional[_Union[Command, str]] = ..., parameter: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ...) -> None: ...

class ControlResponse(_message.Message):
    __slots__ = ("message", "parameter")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    message: str
    parameter: _containers.RepeatedCompositeFieldContainer[Parameter]
    def __init__(self, message: _Optional[str] = ..., parameter: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ("sender", "parameter")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    parameter: _containers.RepeatedCompositeFieldContainer[Parameter]
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., parameter: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ...) -> None: ...

class ConnectionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConnectionResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: ConnectionStatus
    def __init__(self, status: _Optional[_Union[ConnectionStatus, str]] = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("id", "size", "sha256", "data")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    size: int
    sha256: str
    data: bytes
    def __init__(self, id: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ("id", "type", "session_id", "round", "model", "seconds", "parameters", "package_sha256")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_SHA256_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: TaskType
    session_id: str
    round: int
    model: File
    seconds: float
    parameters: str
    package_sha256: str
    def __init__(self, id: _Optional[str] = ..., type: _Optional[_Union[TaskType, str]] = ..., session_id: _Optional[str] = ..., round: _Optional[int] = ..., model: _Optional[_Union[File, _Mapping]] = ..., seconds: _Optional[float] = ..., parameters: _Optional[str] = ..., package_sha256: _Optional[str] = ...) -> None: ...

class TaskMessage(_message.Message):
    __slots__ = ("welcome", "task", "cancel", "goodbye")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    task: Task
    cancel: str
    goodbye: Goodbye
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., task: _Optional[_Union[Task, _Mapping]] = ..., cancel: _Optional[str] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("heartbeat_seconds", "inline_bytes")
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    INLINE_BYTES_FIELD_NUMBER: _ClassVar[int]
    heartbeat_seconds: float
    inline_bytes: int
    def __init__(self, heartbeat_seconds: _Optional[float] = ..., inline_bytes: _Optional[int] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason", "reassign", "combiner")
    REASON_FIELD_NUMBER: _ClassVar[int]
    REASSIGN_FIELD_NUMBER: _ClassVar[int]
    COMBINER_FIELD_NUMBER: _ClassVar[int]
    reason: str
    reassign: bool
    combiner: str
    def __init__(self, reason: _Optional[str] = ..., reassign: bool = ..., combiner: _Optional[str] = ...) -> None: ...

class TaskFailure(_message.Message):
    __slots__ = ("sender", "task_id", "code", "message", "output")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    task_id: str
    code: str
    message: str
    output: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., task_id: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., output: _Optional[str] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("sender", "task_id", "data")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    sender: Client
    task_id: str
    data: str
    def __init__(self, sender: _Optional[_Union[Client, _Mapping]] = ..., task_id: _Optional[str] = ..., data: _Optional[str] = ...) -> None: ...

class Presigned(_message.Message):
    __slots__ = ("url", "ca_pem")
    URL_FIELD_NUMBER: _ClassVar[int]
    CA_PEM_FIELD_NUMBER: _ClassVar[int]
    url: str
    ca_pem: str
    def __init__(self, url: _Optional[str] = ..., ca_pem: _Optional[str] = ...) -> None: ...

class RoundPlan(_message.Message):
    __slots__ = ("round_id", "session_id", "number", "type", "model", "clients", "seconds", "reproducible", "parameters", "package_sha256", "direct")
    ROUND_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    REPRODUCIBLE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_SHA256_FIELD_NUMBER: _ClassVar[int]
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    round_id: str
    session_id: str
    number: int
    type: TaskType
    model: File
    clients: _containers.RepeatedScalarFieldContainer[str]
    seconds: float
    reproducible: bool
    parameters: str
    package_sha256: str
    direct: Presigned
    def __init__(self, round_id: _Optional[str] = ..., session_id: _Optional[str] = ..., number: _Optional[int] = ..., type: _Optional[_Union[TaskType, str]] = ..., model: _Optional[_Union[File, _Mapping]] = ..., clients: _Optional[_Iterable[str]] = ..., seconds: _Optional[float] = ..., reproducible: bool = ..., parameters: _Optional[str] = ..., package_sha256: _Optional[str] = ..., direct: _Optional[_Union[Presigned, _Mapping]] = ...) -> None: ...

class ClientProgress(_message.Message):
    __slots__ = ("client", "state", "detail", "num_examples", "metrics", "update_id", "bytes", "seconds", "data")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class SecondsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    NUM_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_ID_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    client: str
    state: ClientState
    detail: str
    num_examples: int
    metrics: _containers.ScalarMap[str, float]
    update_id: str
    bytes: int
    seconds: _containers.ScalarMap[str, float]
    data: str
    def __init__(self, client: _Optional[str] = ..., state: _Optional[_Union[ClientState, str]] = ..., detail: _Optional[str] = ..., num_examples: _Optional[int] = ..., metrics: _Optional[_Mapping[str, float]] = ..., update_id: _Optional[str] = ..., bytes: _Optional[int] = ..., seconds: _Optional[_Mapping[str, float]] = ..., data: _Optional[str] = ...) -> None: ...

class RoundResult(_message.Message):
    __slots__ = ("partial", "seconds")
    class SecondsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    PARTIAL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    partial: File
    seconds: _containers.ScalarMap[str, float]
    def __init__(self, partial: _Optional[_Union[File, _Mapping]] = ..., seconds: _Optional[_Mapping[str, float]] = ...) -> None: ...

class RoundEvent(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: _containers.RepeatedCompositeFieldContainer[ClientProgress]
    result: RoundResult
    def __init__(self, progress: _Optional[_Iterable[_Union[ClientProgress, _Mapping]]] = ..., result: _Optional[_Union[RoundResult, _Mapping]] = ...) -> None: ...

class ClientInfo(_message.Message):
    __slots__ = ("name", "connected", "instance", "version", "needs_package", "legacy", "processor", "memory_bytes", "round_trip", "last_seen", "leaving", "address")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NEEDS_PACKAGE_FIELD_NUMBER: _ClassVar[int]
    LEGACY_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIP_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    name: str
    connected: bool
    instance: str
    version: str
    needs_package: bool
    legacy: bool
    processor: float
    memory_bytes: int
    round_trip: float
    last_seen: float
    leaving: bool
    address: str
    def __init__(self, name: _Optional[str] = ..., connected: bool = ..., instance: _Optional[str] = ..., version: _Optional[str] = ..., needs_package: bool = ..., legacy: bool = ..., processor: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., round_trip: _Optional[float] = ..., last_seen: _Optional[float] = ..., leaving: bool = ..., address: _Optional[str] = ...) -> None: ...

class CombinerState(_message.Message):
    __slots__ = ("clients", "log", "processor", "memory_bytes", "draining", "legacy_clients")
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    PROCESSOR_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    LEGACY_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    clients: _containers.RepeatedCompositeFieldContainer[ClientInfo]
    log: _containers.RepeatedCompositeFieldContainer[Status]
    processor: float
    memory_bytes: int
    draining: bool
    legacy_clients: bool
    def __init__(self, clients: _Optional[_Iterable[_Union[ClientInfo, _Mapping]]] = ..., log: _Optional[_Iterable[_Union[Status, _Mapping]]] = ..., processor: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., draining: bool = ..., legacy_clients: bool = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CombinerPolicy(_message.Message):
    __slots__ = ("revoked_tokens", "legacy_clients", "legacy_names", "draining")
    REVOKED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    LEGACY_CLIENTS_FIELD_NUMBER: _ClassVar[int]
    LEGACY_NAMES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    revoked_tokens: _containers.RepeatedScalarFieldContainer[str]
    legacy_clients: bool
    legacy_names: _containers.RepeatedScalarFieldContainer[str]
    draining: bool
    def __init__(self, revoked_tokens: _Optional[_Iterable[str]] = ..., legacy_clients: bool = ..., legacy_names: _Optional[_Iterable[str]] = ..., draining: bool = ...) -> None: ...

class Removal(_message.Message):
    __slots__ = ("client", "reason")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    client: str
    reason: str
    def __init__(self, client: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
