"""The ``atb`` command: runs the dashboard, and checks or creates a database."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from monitoring.config import ConfigError, load_settings
from monitoring.environment import read_environment
from monitoring.errors import UserError

DASHBOARDS = {"monitoring": "A live trading bot: health, risk, performance, account, positions and trades."}


@click.group()
def cli() -> None:
    """Monitoring of a live trading bot."""


@cli.group()
def dashboards() -> None:
    """List and run dashboards."""


@dashboards.command("list")
def list_dashboards() -> None:
    """List the dashboards that can be run."""
    click.echo("Available dashboards:")
    for name, summary in DASHBOARDS.items():
        click.echo(f"- {name}: {summary}")


@dashboards.command("run")
@click.argument("name")
@click.option("--host", help="Address to listen on (default: HOST or 127.0.0.1).")
@click.option("--port", type=str, help="Port to listen on (default: PORT or 8000; 0 picks a free one).")
@click.option("--update-interval", type=str, help="Seconds between full refreshes (default 3600).")
@click.option("--db-url", help="PostgreSQL of the trading engine (default: DATABASE_URL).")
@click.option("--wait-for-db", type=str, metavar="SECONDS", help="Wait so long for the database at start.")
@click.option("--demo", is_flag=True, help="Bring an own PostgreSQL with made-up data that keeps moving.")
@click.option("--demo-dir", type=click.Path(path_type=Path), help="Folder of the demo's PostgreSQL.")
@click.option("--debug", is_flag=True, help="Log everything.")
def run_dashboard(name: str, **options: Any) -> None:
    """Run the dashboard NAME until Ctrl-C."""
    if name not in DASHBOARDS:
        raise ConfigError(f"unknown dashboard {name}: expected {', '.join(DASHBOARDS)}")
    from monitoring.dashboard import run

    options["database_url"] = options.pop("db_url")
    if options["demo"]:
        if options["database_url"] is not None:
            raise ConfigError("--demo brings a database of its own: expected it without --db-url")
        options["database_url"] = "postgresql://demo"
    run(load_settings(read_environment(), **options))


@cli.command()
def token() -> None:
    """Make a token and a secret key, as two lines for a .env file."""
    from monitoring.strength import new_settings

    click.echo(new_settings())


@cli.group()
def db() -> None:
    """Check or create a database."""


@db.command()
@click.option("--db-url", help="PostgreSQL to look at (default: DATABASE_URL).")
@click.option("--apply-migrations", is_flag=True, help="Accepted; migrations belong to the engine.")
def verify(db_url: str | None, apply_migrations: bool) -> None:
    """Connect and say what was found: version, tables, newest rows, rights, change feed."""
    from monitoring.database.verify import verify as look

    if apply_migrations:
        click.echo("Migrations belong to the engine: none was applied.")
    settings = load_settings(read_environment(), database_url=db_url)
    report = asyncio.run(look(settings.database_url))
    click.echo(report.text)
    if not report.ok:
        sys.exit(1)


@db.command()
@click.option("--db-url", help="PostgreSQL to create the tables in (default: DATABASE_URL).")
def init(db_url: str | None) -> None:
    """Create the engine's tables in an empty database."""
    from monitoring.database.verify import create

    settings = load_settings(read_environment(), database_url=db_url)
    asyncio.run(create(settings.database_url))
    click.echo("Created the engine's tables.")


def _belongs_to_engine(arguments: list[str]) -> bool:
    """Whether the engine's command of the same name must have this call."""
    ours = arguments[:2] == ["dashboards", "list"] or (
        arguments[:2] == ["dashboards", "run"] and "monitoring" in arguments
    )
    return not ours


def main() -> None:
    """``atb``: ours for the dashboard, the engine's for everything else where the engine is installed."""
    if _belongs_to_engine(sys.argv[1:]):
        try:
            from cli.__main__ import main as engine_main  # type: ignore[import-not-found]
        except ModuleNotFoundError as missing:
            if missing.name not in ("cli", "cli.__main__"):
                raise
        else:
            sys.exit(engine_main())
    monitoring_main()


def monitoring_main() -> None:
    """``atb-monitoring``: always ours."""
    try:
        cli(standalone_mode=True)
    except UserError as error:
        click.echo(f"atb: {error}", err=True)
        sys.exit(1)
