"""The dashboard's settings: one list, of which the command line, the environment and the help are made."""

import ipaddress
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import click
from click import BOOL, Choice, IntRange
from click.core import ParameterSource

from monitoring.configfile import ConfigFile, read_config_file
from monitoring.database.url import normalise_url
from monitoring.environment import read_environment
from monitoring.errors import UserError
from monitoring.state_file import is_writable
from monitoring.strength import MAKES_THEM, SECRET_KEY, TOKEN, weaknesses

ASSETS = ("auto", "local", "cdn")
LOG_LEVELS = ("debug", "info", "warn", "warning", "error", "fatal", "critical")
CORS_ORIGINS = "MONITORING_CORS_ALLOWED_ORIGINS"
RELAXED_ENVIRONMENTS = frozenset({"dev", "development", "test", "testing"})
SWITCH: dict[str, Any] = {"is_flag": True, "is_eager": True}
"""Others depend on whether it is on, so it is read first."""
DEMO_URL = "postgresql://demo"
"""Stands for the demo's database until that runs."""
ENVIRON = "monitoring.environ"
"""Under which a click context keeps the environment."""


class ConfigError(UserError):
    """A setting is missing or wrong; the message names it, its value and what was expected."""


class BadUsage(ConfigError):
    """The command line is wrong in itself, whatever the environment says."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Environment:
    """What kind of run it is, and the variable that says so; "" where none does."""

    value: str
    variable: str


class Setting(click.Option):
    """A setting by its flag, else by the first of its variables that is not blank.

    What has no flag cannot be given on the command line, where other users of the machine could read it.
    """

    def __init__(self, name: str, envvar: str, flag: str | bool, expected: str, **how: Any) -> None:
        self.variables, self._expected = envvar.split(), expected
        flags = [flag if isinstance(flag, str) else f"--{name.replace('_', '-')}", name]
        super().__init__(flags, envvar=self.variables, hidden=not flag, show_envvar=True, show_default=True, **how)

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        if not self.hidden:
            super().add_to_parser(parser, ctx)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        return (self.variables[0], self.help or "") if self.hidden else super().get_help_record(ctx)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        variable = self._variable(ctx)
        return ctx.meta[ENVIRON][variable].strip() if variable else None

    def _variable(self, context: click.Context) -> str | None:
        """The first of the setting's variables that is not blank."""
        if ENVIRON not in context.meta:
            context.meta[ENVIRON] = read_environment()
        environ = context.meta[ENVIRON]
        return next((name for name in self.variables if environ.get(name, "").strip()), None)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        try:
            return super().type_cast_value(ctx, value)
        except click.BadParameter:
            problem = BadUsage if self.from_command_line(ctx) else ConfigError
            raise problem(f"{self.source(ctx)}={value}: expected {self._expected}") from None

    def from_command_line(self, context: click.Context) -> bool:
        return context.get_parameter_source(self.human_readable_name) is ParameterSource.COMMANDLINE

    def source(self, context: click.Context) -> str:
        """The flag or variable that gave the value."""
        return self.opts[0] if self.from_command_line(context) else self._variable(context) or self.variables[0]


def _url(context: click.Context, setting: Setting, text: str | None) -> str:
    if context.params.get("demo"):
        if setting.from_command_line(context):
            raise BadUsage("--demo brings a database of its own: expected it without --db-url")
        return DEMO_URL
    if not text:
        raise ConfigError(
            "no database: set DATABASE_URL or pass --db-url; the dashboard alone can be tried with --demo, which brings"
            " a PostgreSQL with made-up data"
        )
    try:
        return normalise_url(text)
    except ValueError as error:
        raise ConfigError(f"{setting.source(context)}: {error}") from None


def _demo_speed(context: click.Context, setting: Setting, speed: int) -> int:
    if setting.from_command_line(context) and not context.params["demo"]:
        raise BadUsage(f"--demo-speed={speed}: expected it together with --demo")
    return speed


def _environment(context: click.Context, setting: Setting, text: str) -> Environment:
    return Environment(text, setting.source(context))


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    if odd := next((origin for origin in origins if not re.fullmatch(r"https?://[^/\s*]+", origin)), None):
        expected = "expected origins such as https://example.com, with commas between them"
        raise ConfigError(f"{CORS_ORIGINS}={odd}: {expected}")
    return origins


def _config_file(text: str) -> ConfigFile:
    return read_config_file(Path(text).expanduser()) if text else ConfigFile()


def _prefix(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError(text)
    return text.rstrip("/")


def _setting(envvar: str, help: str, default: Any = None, type: Any = None, expected: str = "", **how: Any) -> Any:
    """A field that is a :class:`Setting` of its name. ``flag``: whether it has one, or which if not ``--its-name``."""
    if isinstance(type, IntRange):
        expected += f" between {type.min} and {type.max}"
    elif isinstance(type, Choice):
        expected = f"one of {', '.join(type.choices)}"
    setting = {"envvar": envvar, "help": help, "default": default, "type": type, "expected": expected}
    return field(metadata={"flag": False, **setting, **how})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """Every setting with its environment variable, its meaning and its default."""

    host: str = _setting("HOST", "address to listen on", "127.0.0.1", flag=True)
    port: int = _setting(
        "PORT", "port to listen on (0 picks a free one)", 8000, IntRange(0, 65535), "a port", flag=True
    )
    update_interval: int = _setting(
        "MONITORING_UPDATE_INTERVAL", "seconds between full refreshes", 3600, IntRange(1, 86400), "seconds", flag=True
    )
    database_url: str = _setting(
        "DATABASE_URL", "PostgreSQL of the trading engine; required unless --demo", flag="--db-url", callback=_url
    )
    wait_for_db: int = _setting(
        "MONITORING_WAIT_FOR_DB", "seconds to wait for a database at start", 0, IntRange(0, 86400), "seconds", flag=True
    )
    demo: bool = _setting("", "bring an own PostgreSQL with made-up data that keeps moving", False, flag=True, **SWITCH)
    demo_dir: Path | None = _setting(
        "MONITORING_DEMO_DIR",
        "folder of the demo's PostgreSQL; default: the user's own data folder, for root "
        "`/var/lib/monitoring-dashboard/demo`",
        type=Path,
        flag=True,
    )
    demo_speed: int = _setting(
        "MONITORING_DEMO_SPEED",
        "how many times as fast the demo's bots trade, 1 to 1000",
        1,
        IntRange(1, 1000),
        "a speed",
        flag=True,
        callback=_demo_speed,
    )
    debug: bool = _setting("", "log everything", False, flag=True, **SWITCH)
    token: str = _setting(
        TOKEN, "the operator's token: login form, X-Dashboard-Token or Bearer; required when protected", ""
    )
    secret_key: str = _setting(SECRET_KEY, "signs cookies; required when protected", "")
    cors_origins: tuple[str, ...] = _setting(
        CORS_ORIGINS, "comma-separated origins that may call across; empty: none", "", _origins
    )
    environment: Environment = _setting(
        "ENV FLASK_ENV",
        "dev, development, test, testing: on loopback no token is needed; any other value demands token and secret key",
        "",
        callback=_environment,
    )
    gevent: bool = _setting(
        "WEB_SERVER_USE_GEVENT", "1: production settings (gevent is not needed)", False, BOOL, "1 or 0"
    )
    assets: str = _setting(
        "MONITORING_ASSETS", "where htmx and socket.io come from: auto, local, cdn", "auto", Choice(ASSETS, False)
    )
    root_path: str = _setting(
        "MONITORING_ROOT_PATH", "sub-path the dashboard is served under", "", _prefix, "a path that starts with /"
    )
    log_level: str = _setting("LOG_LEVEL", "least severe level that is logged", "info", Choice(LOG_LEVELS, False))
    log_json: bool = _setting("LOG_JSON", "1: one JSON object a line", False, BOOL, "1 or 0")
    config: ConfigFile = _setting(
        "MONITORING_CONFIG",
        "TOML file of corrections and alerts; default: monitoring.toml in the working directory, where there is one",
        "",
        _config_file,
    )

    state_dir: Path | None = _setting(
        "MONITORING_STATE_DIR",
        "folder for what must outlive a restart, shared by the processes of a machine; default: nothing outlives it",
        type=Path,
    )

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
        """Whether others may reach the dashboard: then reading needs the operator's token too."""
        if self.gevent or not self.loopback:
            return True
        return self.environment.value != "" and not self._development

    @property
    def open_for_writing(self) -> bool:
        """Whether the balance may be adjusted without a token: on loopback, where ``ENV`` says so."""
        return not self.protected and self._development

    @property
    def _development(self) -> bool:
        return self.environment.value.lower() in RELAXED_ENVIRONMENTS


def setting_options(*names: str) -> list[click.Parameter]:
    """The settings as options of a command: all of them, or some by name."""
    return [Setting(one.name, **one.metadata) for one in fields(Settings) if not names or one.name in names]


def load_settings(environ: Mapping[str, str], *arguments: str) -> Settings:
    """Settings from command-line ``arguments`` over ``environ`` over defaults.

    Raises ConfigError with one sentence naming what is wrong or missing.
    """
    command = click.Command("settings", params=setting_options())
    with click.Context(command) as context:
        context.meta[ENVIRON] = environ
        command.parse_args(context, [*arguments])
    return checked(Settings(**context.params))


def checked(settings: Settings) -> Settings:
    """The same settings. Raises ConfigError where others may reach the dashboard without a strong token."""
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
    """Warnings about settings that are accepted."""
    weak = ", ".join(weaknesses(settings.token, settings.secret_key))
    if weak and not settings.protected:
        yield f"{weak} ({MAKES_THEM}): anywhere but on loopback the dashboard would refuse to start"
    if settings.state_dir and not is_writable(settings.state_dir):
        yield f"MONITORING_STATE_DIR={settings.state_dir}: expected a folder that can be written to"
    if settings.config.path:
        yield f"{settings.config.path}: the alert settings are checked, but not applied by this version"


def _why_protected(settings: Settings) -> str:
    if not settings.loopback:
        return f"listening on {settings.host} lets others reach the dashboard"
    if settings.gevent:
        return "WEB_SERVER_USE_GEVENT=1 asks for production settings"
    return f"{settings.environment.variable}={settings.environment.value} asks for production settings"


def signing_key(settings: Settings) -> str:
    """The key that signs cookies; a random one for the run where none is needed."""
    return settings.secret_key or secrets.token_hex(32)
