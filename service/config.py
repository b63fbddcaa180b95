"""Settings, read once from the environment."""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

PREFIX: Final = "TOWPATH_"


class BadSetting(Exception):
    """A setting in the environment that cannot be used; the message says which and why."""


def default_data_folder() -> Path:
    """Return where a user's data lies unless told otherwise (XDG base directories)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "towpath"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the environment can say, each as TOWPATH_ and the name in capitals."""

    data: Path = msgspec.field(default_factory=default_data_folder)
    """Folder of the embedded database and, unless `key_file` says otherwise, the key file."""
    database_url: str | None = None
    """PostgreSQL to use as the application's login; the embedded server where absent."""
    migrator_url: str | None = None
    """The same database as a login that may create roles and tables; only migrating and backup use it."""
    key_file: Path | None = None
    """The key-encryption key; `<data>/keys/towpath.key` where absent."""
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str | None = None
    """The address phones use, for invitation links; `http://<host>:<port>` where absent."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names requests may be addressed to; any where empty."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""
    pool_size: int = 10
    log_format: str = "text"
    """`text` for people, `json` for machines."""
    log_level: str = "info"

    @property
    def keys(self) -> Path:
        """Return where the key file lies."""
        return self.key_file or self.data / "keys" / "towpath.key"

    @property
    def address(self) -> str:
        """Return the address a phone uses."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the trusted networks."""
        return tuple(ip_network(each) for each in self.trusted_proxies)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `environment` (the process's own where None).

    `TOWPATH_X_FILE` names a file whose content is used for `TOWPATH_X`, so that secrets need not stand in
    the environment. Raises BadSetting for an unknown name or an unusable value.
    """
    environment = os.environ if environment is None else environment
    known = {field.name for field in msgspec.structs.fields(Settings)}
    given: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text:
            continue
        name = variable.removeprefix(PREFIX).lower()
        secret = name.removesuffix("_file")
        if name in LISTS:
            given[name] = tuple(text.split(","))
        elif name in known:
            given[name] = text
        elif secret in known:
            given[secret] = _read_secret(variable, text)
        elif name not in FOREIGN:
            raise BadSetting(f"{variable} is not a setting; `towpath doctor` lists them")
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadSetting(f"a TOWPATH_ setting cannot be used: {error}") from error
    _refuse_unusable(settings)
    return settings


LISTS: Final = frozenset({"allowed_hosts", "trusted_proxies"})
FOREIGN: Final = frozenset({"shared_data"})  # read by the tests alone
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def _path(kind: type, value: str) -> Path:
    if kind is Path:
        return Path(value).expanduser().absolute()
    raise TypeError(kind)


def _read_secret(variable: str, name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{variable} names a file that cannot be read: {error}") from error


def _refuse_unusable(settings: Settings) -> None:
    """Raise BadSetting where a value is of the right type but of no use."""
    if not 0 <= settings.port <= 65_535:
        raise BadSetting("TOWPATH_PORT must lie between 0 and 65535")
    if not 1 <= settings.pool_size <= 500:
        raise BadSetting("TOWPATH_POOL_SIZE must lie between 1 and 500")
    if settings.log_format not in {"text", "json"}:
        raise BadSetting("TOWPATH_LOG_FORMAT must be text or json")
    if settings.log_level not in LOG_LEVELS:
        raise BadSetting(f"TOWPATH_LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}")
    for name in ("database_url", "migrator_url"):
        url = getattr(settings, name)
        if url is not None and urlsplit(url).scheme not in {"postgresql", "postgres"}:
            raise BadSetting(f"TOWPATH_{name.upper()} must start with postgresql://")
    if settings.migrator_url is not None and settings.database_url is None:
        raise BadSetting(
            "TOWPATH_MIGRATOR_URL is set but TOWPATH_DATABASE_URL is not: set both for a database of your"
            " own, or neither for the embedded one"
        )
    try:
        _ = settings.proxies
    except ValueError as error:
        raise BadSetting(f"TOWPATH_TRUSTED_PROXIES: {error}") from error
