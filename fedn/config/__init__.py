"""Settings of every role: defaults, over them `FEDN_*` variables, then flags, then a settings file.

The only reader of the environment.
"""

from fedn.config.loading import load_client, load_combiner, load_member, load_reducer
from fedn.config.roles import ClientSettings, CombinerSettings, Member, ReducerSettings, Settings
from fedn.config.schema import Option, options
from fedn.config.stores import FileStorageSettings, MongoSettings, S3Settings, SqliteSettings
from fedn.config.texts import texts

__all__ = [
    "ClientSettings",
    "CombinerSettings",
    "FileStorageSettings",
    "Member",
    "MongoSettings",
    "Option",
    "ReducerSettings",
    "S3Settings",
    "Settings",
    "SqliteSettings",
    "load_client",
    "load_combiner",
    "load_member",
    "load_reducer",
    "options",
    "texts",
]
