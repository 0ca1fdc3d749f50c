"""Settings: where they come from, what is refused, and that every one is documented."""

from pathlib import Path

import click
import pytest

from monitoring.config import ConfigError, Setting, load_settings, notices, setting_options
from monitoring.strength import new_settings
from tests.secrets import SECRET_KEY, SECRETS, TOKEN

DATABASE = {"DATABASE_URL": "postgres://bot:secret@db.example:5432/atb"}


def test_local_use_needs_nothing_but_a_database() -> None:
    settings = load_settings(DATABASE)
    assert (settings.host, settings.port, settings.update_interval) == ("127.0.0.1", 8000, 3600)
    assert not settings.protected


def test_the_command_line_wins() -> None:
    settings = load_settings({**DATABASE, "PORT": "9000"}, "--port=9001", "--db-url=postgresql+psycopg2://other/atb")
    assert (settings.port, settings.database_url) == (9001, "postgresql://other/atb")


def test_without_a_database_all_three_ways_are_named() -> None:
    with pytest.raises(ConfigError, match=r"DATABASE_URL.*--db-url.*--demo"):
        load_settings({})


@pytest.mark.parametrize(
    "environ",
    [{"HOST": "0.0.0.0"}, {"ENV": "production"}, {"ENV": "staging"}, {"WEB_SERVER_USE_GEVENT": "1"}],
)
def test_strangers_need_token_and_key(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="set MONITORING_DASHBOARD_TOKEN and FLASK_SECRET_KEY"):
        load_settings({**DATABASE, **environ})
    assert load_settings({**DATABASE, **environ, **SECRETS}).protected


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"HOST": "0.0.0.0"}, "listening on 0.0.0.0 lets others reach the dashboard: "),
        ({"HOST": "::", "ENV": "production"}, "listening on :: lets others reach the dashboard: "),
        ({"ENV": "production"}, "ENV=production asks for production settings: "),
        ({"FLASK_ENV": "production"}, "FLASK_ENV=production asks for production settings: "),
        ({"ENV": "Staging"}, "ENV=Staging asks for production settings: "),
        ({"WEB_SERVER_USE_GEVENT": "1"}, "WEB_SERVER_USE_GEVENT=1 asks for production settings: "),
        ({"WEB_SERVER_USE_GEVENT": "1", "ENV": "dev"}, "WEB_SERVER_USE_GEVENT=1 asks for production settings: "),
    ],
)
def test_the_reason_for_protection_is_the_one_that_is(environ: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_settings({**DATABASE, **environ})
    assert str(refusal.value).startswith(why)
    assert ("listen on 127.0.0.1" in str(refusal.value)) == ("HOST" in environ)


@pytest.mark.parametrize(
    ("token", "key", "expected"),
    [
        ("aB3$" * 7, SECRET_KEY, "MONITORING_DASHBOARD_TOKEN has 28 characters: expected at least 32"),
        (TOKEN, "k" * 40, "FLASK_SECRET_KEY has 1 different characters: expected at least 10"),
        (TOKEN, f"{SECRET_KEY}Change-Me", "FLASK_SECRET_KEY holds the word changeme"),
        (f"your_token_here-{TOKEN}", SECRET_KEY, "MONITORING_DASHBOARD_TOKEN holds the word yourtoken"),
        (TOKEN, TOKEN, "are the same: expected two"),
    ],
)
def test_strangers_meet_no_weak_secret(token: str, key: str, expected: str) -> None:
    weak = {"HOST": "0.0.0.0", "MONITORING_DASHBOARD_TOKEN": token, "FLASK_SECRET_KEY": key}
    with pytest.raises(ConfigError) as refusal:
        load_settings({**DATABASE, **weak})
    assert expected in str(refusal.value)
    assert "atb-monitoring token" in str(refusal.value)
    assert token not in str(refusal.value)
    assert key not in str(refusal.value)


def test_a_weak_secret_on_loopback_is_one_warning() -> None:
    (warning,) = notices(load_settings({**DATABASE, "MONITORING_DASHBOARD_TOKEN": "short"}))
    assert "MONITORING_DASHBOARD_TOKEN has 5 characters: expected at least 32" in warning
    assert "short" not in warning
    assert not list(notices(load_settings({**DATABASE, **SECRETS})))


def test_the_secrets_that_we_make_are_strong() -> None:
    made = dict(line.split("=") for line in new_settings().split())
    assert load_settings({**DATABASE, **made, "ENV": "production"}).protected


def test_a_blank_environment_is_none() -> None:
    assert not load_settings({**DATABASE, "ENV": " "}).protected
    assert load_settings({**DATABASE, **SECRETS, "ENV": " ", "FLASK_ENV": "production"}).protected


@pytest.mark.parametrize("value", ["dev", "development", "test", "testing"])
def test_development_is_relaxed(value: str) -> None:
    assert not load_settings({**DATABASE, "ENV": value}).protected
    assert not load_settings({**DATABASE, "FLASK_ENV": value}).protected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--update-interval=0", "seconds between 1 and 86400"),
        ("--update-interval=soon", "seconds between 1 and 86400"),
        ("--port=70000", "a port between 0 and 65535"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(argument: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(DATABASE, argument)
    assert str(error.value) == f"{argument}: expected {expected}"


def test_a_bad_variable_is_named_like_a_bad_option() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({**DATABASE, "PORT": "70000"})
    assert str(error.value) == "PORT=70000: expected a port between 0 and 65535"


@pytest.mark.parametrize("argument", ["--token=abc", "--secret-key=abc", "--secret_key=abc"])
def test_secrets_cannot_be_given_on_the_command_line(argument: str) -> None:
    """Every user of the machine could read them there."""
    with pytest.raises(click.NoSuchOption):
        load_settings(DATABASE, argument)


@pytest.mark.parametrize("odd", ["*", "example.com", "https://example.com/page", "https://*.example.com", "null"])
def test_what_is_no_origin_is_named(odd: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({**DATABASE, "MONITORING_CORS_ALLOWED_ORIGINS": f"https://friend.example, {odd}"})
    assert f"ORIGINS={odd}: expected origins such as https://example.com" in str(error.value)


def test_a_bad_database_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({"DATABASE_URL": "mysql://bot:secret@db/atb"})
    assert "secret" not in str(error.value)


def test_secrets_are_not_printed() -> None:
    assert "secret" not in repr(load_settings({**DATABASE, **SECRETS}))


def test_every_setting_is_in_the_readme() -> None:
    readme = Path("README.md").read_text()
    for setting in setting_options():
        assert isinstance(setting, Setting)
        for variable in setting.variables[:1]:
            assert f"`{variable}`" in readme
            assert f"{setting.help}" in readme
