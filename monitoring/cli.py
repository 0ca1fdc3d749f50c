"""The ``atb`` command: runs the dashboard, and checks or creates a database."""

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from monitoring.config import BadUsage, Settings, checked, setting_options
from monitoring.environment import read_environment
from monitoring.errors import UserError
from monitoring.logs import error_line, escaped, wants_json
from monitoring.process import quick_imports
from monitoring.version import VERSION

DASHBOARDS = {"monitoring": "A live trading bot: health, risk, performance, account, positions and trades."}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, message="Monitoring %(version)s")
def cli() -> None:
    """Monitoring of a live trading bot."""


@cli.group()
def dashboards() -> None:
    """List and run dashboards."""


@dashboards.command("list")
@click.pass_obj
def list_dashboards(engines_too: bool) -> None:
    """List the dashboards that can be run."""
    lines = [f"- {name}: {summary}" for name, summary in DASHBOARDS.items()]
    if engines_too:
        lines += _dashboards_of_the_engine()
    click.echo("\n".join(["Available dashboards:", *sorted(lines)]))


def _expect_dashboard(_context: click.Context, _argument: click.Parameter, name: str) -> str:
    if name not in DASHBOARDS:
        raise BadUsage(f"unknown dashboard {name}: expected {', '.join(DASHBOARDS)}")
    return name


@dashboards.command("run", params=setting_options())
@click.argument("name", is_eager=True, callback=_expect_dashboard, expose_value=False)
def run_dashboard(**settings: Any) -> None:
    """Run the dashboard NAME until Ctrl-C."""
    with quick_imports():
        from monitoring.dashboard import run

    run(checked(Settings(**settings)))


@cli.command()
def token() -> None:
    """Make a token and a secret key, as two lines for a .env file."""
    from monitoring.strength import new_settings

    click.echo(new_settings())


@cli.group()
def db() -> None:
    """Check or create a database."""


@db.command(params=setting_options("database_url"))
@click.option("--apply-migrations", is_flag=True, help="Accepted; migrations belong to the engine.")
def verify(database_url: str, apply_migrations: bool) -> None:
    """Connect and say what was found: version, tables, newest rows, rights, change feed."""
    from monitoring.verify import verify as look

    if apply_migrations:
        click.echo("Migrations belong to the engine: none was applied.")
    report = asyncio.run(look(database_url))
    click.echo(report.text)
    if not report.ok:
        sys.exit(1)


@db.command(params=setting_options("database_url"))
def init(database_url: str) -> None:
    """Create the engine's tables in an empty database."""
    from monitoring.verify import create

    asyncio.run(create(database_url))
    click.echo("Created the engine's tables.")


def main() -> None:
    """``atb``: this command for the dashboard; for everything else the engine's, where that is installed."""
    engine = None if _is_ours(sys.argv[1:]) else _engine()
    if engine is not None:
        sys.exit(engine())
    monitoring_main(engines_too=True)


def _is_ours(arguments: list[str]) -> bool:
    """Whether the engine's command of the same name must not have this call."""
    if arguments[:2] == ["dashboards", "run"]:
        return "monitoring" in arguments
    return arguments[:2] == ["dashboards", "list"]


def _engine() -> Callable[[], int] | None:
    """The engine's own command, where it can be imported."""
    try:
        from cli.__main__ import main as engine  # type: ignore[import-not-found]
    except ModuleNotFoundError as missing:
        if missing.name not in ("cli", "cli.__main__"):
            raise
        return None
    return engine  # type: ignore[no-any-return]


def _dashboards_of_the_engine() -> list[str]:
    """The engine's list without our dashboard. Where the engine fails, standard error says so in one sentence."""
    listed = io.StringIO()
    try:
        engine = _engine()
        if engine is None:
            return []
        with contextlib.redirect_stdout(listed), contextlib.suppress(SystemExit):
            engine()
    except Exception as error:  # noqa: BLE001 - the engine's code; our own dashboard is listed all the same
        click.echo(f"atb: the engine's dashboards cannot be listed ({escaped(str(error))})", err=True)
    ours = tuple(f"- {name}" for name in DASHBOARDS)
    return [line for line in listed.getvalue().splitlines() if line.startswith("- ") and not line.startswith(ours)]


def monitoring_main(engines_too: bool = False) -> None:
    """``atb-monitoring``: never the engine's command. ``engines_too``: its dashboards are listed as well."""
    try:
        cli(obj=engines_too)
    except UserError as error:
        _complain(str(error))
        sys.exit(error.exit_code)


def _complain(sentence: str) -> None:
    """Writes to standard error, as JSON where the log is JSON."""
    try:
        as_json = wants_json(read_environment())
    except UserError:
        as_json = wants_json(os.environ)
    click.echo(error_line(sentence) if as_json else f"atb: {escaped(sentence)}", err=True)
