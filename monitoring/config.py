"""The dashboard's settings: one frozen object, read once from the environment and the command line."""

import ipaddress
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from monitoring.configfile import ConfigFile, read_config_file
from monitoring.database.url import normalise_url
from monitoring.errors import UserError
from monitoring.strength import MAKES_THEM, SECRET_KEY, TOKEN, weaknesses

TRUE = frozenset({"1", "true", "yes"})
RELAXED_ENVIRONMENTS = frozenset({"dev", "development", "test", "testing"})


class ConfigError(UserError):
    """A setting is missing or wrong; the message names it, its value and what was expected."""


def _integer(low: int, high: int, unit: str) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ConfigError(f"{name}={text}: expected {unit} between {low} and {high}")
        return value

    return parse


def _choice(*allowed: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text.lower() not in allowed:
            raise ConfigError(f"{name}={text}: expected one of {', '.join(allowed)}")
        return text.lower()

    return parse


def _text(_name: str, text: str) -> str:
    return text


def _flag(name: str, text: str) -> bool:
    return _choice(*sorted(TRUE), "0", "false", "no")(name, text) in TRUE


def _origins(name: str, text: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    if odd := next((origin for origin in origins if not re.fullmatch(r"https?://[^/\s*]+", origin)), None):
        raise ConfigError(f"{name}={odd}: expected origins such as https://example.com, with commas between them")
    return origins


def _url(name: str, text: str) -> str:
    try:
        return normalise_url(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def _path(_name: str, text: str) -> Path:
    return Path(text).expanduser()


def _config_file(_name: str, text: str) -> ConfigFile:
    return read_config_file(Path(text).expanduser())


def _prefix(name: str, text: str) -> str:
    if not text.startswith("/"):
        raise ConfigError(f"{name}={text}: expected a path that starts with /")
    return text.rstrip("/")


def _setting(env: str, parse: Callable[[str, str], Any], help: str, default: Any = MISSING, option: str = "") -> Any:
    metadata = {"env": env, "parse": parse, "help": help, "option": option}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """Every setting with its environment variable, its meaning and its default."""

    database_url: str = _setting(
        "DATABASE_URL", _url, "PostgreSQL of the trading engine; required unless --demo", option="--db-url"
    )
    host: str = _setting("HOST", _text, "address to listen on", "127.0.0.1", "--host")
    port: int = _setting("PORT", _integer(0, 65535, "a port"), "port to listen on (0 picks a free one)", 8000, "--port")
    update_interval: int = _setting(
        "MONITORING_UPDATE_INTERVAL",
        _integer(1, 86400, "seconds"),
        "seconds between full refreshes",
        3600,
        "--update-interval",
    )
    token: str = _setting(
        TOKEN, _text, "the operator's token: login form, X-Dashboard-Token or Bearer; required when protected", ""
    )
    secret_key: str = _setting(SECRET_KEY, _text, "signs cookies; required when protected", "")
    cors_origins: tuple[str, ...] = _setting(
        "MONITORING_CORS_ALLOWED_ORIGINS", _origins, "comma-separated origins that may call across; empty: none", ()
    )
    environment: str = _setting(
        "ENV",
        _text,
        "dev, development, test, testing: on loopback no token is needed; any other value demands token and secret key",
        "",
    )
    gevent: bool = _setting("WEB_SERVER_USE_GEVENT", _flag, "1: production settings (gevent is not needed)", False)
    assets: str = _setting(
        "MONITORING_ASSETS",
        _choice("auto", "local", "cdn"),
        "where htmx and socket.io come from: auto, local, cdn",
        "auto",
    )
    root_path: str = _setting("MONITORING_ROOT_PATH", _prefix, "sub-path the dashboard is served under", "")
    log_level: str = _setting(
        "LOG_LEVEL",
        _choice("debug", "info", "warn", "warning", "error", "fatal", "critical"),
        "least severe level that is logged",
        "info",
    )
    log_json: bool = _setting("LOG_JSON", _flag, "1: one JSON object a line", False)
    wait_for_db: int = _setting(
        "MONITORING_WAIT_FOR_DB",
        _integer(0, 86400, "seconds"),
        "seconds to wait for the database at start",
        0,
        "--wait-for-db",
    )
    demo_dir: Path | None = _setting(
        "MONITORING_DEMO_DIR", _path, "folder of the demo's PostgreSQL; default: per user", None, "--demo-dir"
    )
    demo_speed: int = _setting(
        "MONITORING_DEMO_SPEED",
        _integer(1, 1000, "a speed"),
        "how many times as fast the demo's bots trade, 1 to 1000",
        1,
        "--demo-speed",
    )
    config: ConfigFile = _setting(
        "MONITORING_CONFIG",
        _config_file,
        "TOML file of corrections and alerts; default: monitoring.toml in the working directory, where there is one",
        ConfigFile(),
    )
    demo: bool = False
    debug: bool = False

    def __repr__(self) -> str:
        return f"Settings(host={self.host!r}, port={self.port}, protected={self.protected}, demo={self.demo})"

    @property
    def loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def protected(self) -> bool:
        """Whether the dashboard may be reached by strangers: then reading needs the operator too."""
        if self.gevent or not self.loopback:
            return True
        return self.environment != "" and not self._development

    @property
    def open_for_writing(self) -> bool:
        """Whether whoever reaches the dashboard may adjust the balance too: on loopback, where ``ENV`` says so."""
        return not self.protected and self._development

    @property
    def _development(self) -> bool:
        return self.environment.lower() in RELAXED_ENVIRONMENTS


def load_settings(environ: Mapping[str, str], **options: Any) -> Settings:
    """Settings from command-line ``options`` (None = not given) over ``environ`` over defaults.

    Raises ConfigError with one sentence naming what is wrong or missing.
    """
    environ = _with_aliases(environ)
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        given = options.pop(setting.name, None)
        if not setting.metadata:
            values[setting.name] = bool(given)
        elif given is not None:
            label = setting.metadata["option"] or setting.name
            values[setting.name] = setting.metadata["parse"](label, str(given))
        elif environ.get(setting.metadata["env"], "").strip():
            env = setting.metadata["env"]
            values[setting.name] = setting.metadata["parse"](env, environ[env].strip())
    if "database_url" not in values:
        raise ConfigError(
            "no database: set DATABASE_URL, pass --db-url, or try --demo, which brings a PostgreSQL with made-up data"
        )
    return _checked(Settings(**values))


def _with_aliases(environ: Mapping[str, str]) -> Mapping[str, str]:
    if environ.get("ENV", "").strip():
        return environ
    return {**environ, "ENV": environ.get("FLASK_ENV", "")}


def _checked(settings: Settings) -> Settings:
    if not settings.protected:
        return settings
    missing = [name for name, value in ((TOKEN, settings.token), (SECRET_KEY, settings.secret_key)) if not value]
    wrong = [f"set {' and '.join(missing)}"] if missing else []
    wrong += weaknesses(settings.token, settings.secret_key)
    if wrong:
        instead = "" if settings.loopback else ", or listen on 127.0.0.1 for local use"
        raise ConfigError(f"{_why_protected(settings)}: {', '.join(wrong)} ({MAKES_THEM}){instead}")
    return settings


def notices(settings: Settings) -> Iterator[str]:
    """What the operator should know of settings that are accepted all the same."""
    weak = ", ".join(weaknesses(settings.token, settings.secret_key))
    if weak and not settings.protected:
        yield f"{weak} ({MAKES_THEM}): anywhere but on loopback the dashboard would refuse to start"
    if settings.config.path:
        yield f"{settings.config.path}: corrections and alert settings are checked, but not applied by this version"


def _why_protected(settings: Settings) -> str:
    if not settings.loopback:
        return f"listening on {settings.host} lets others reach the dashboard"
    if settings.gevent:
        return "WEB_SERVER_USE_GEVENT=1 asks for production settings"
    return f"ENV={settings.environment} asks for production settings"


def signing_key(settings: Settings) -> str:
    """The key that signs cookies; a random one for the run where none is needed."""
    return settings.secret_key or secrets.token_hex(32)
