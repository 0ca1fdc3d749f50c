"""The files in the working directory: .env and monitoring.toml."""

from pathlib import Path

import pytest

from monitoring.config import load_settings, notices
from monitoring.configfile import ConfigFile, Correction
from monitoring.environment import read_environment
from monitoring.errors import UserError

DATABASE = {"DATABASE_URL": "postgresql://bot@db.example/atb"}


def complaint(folder: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(UserError) as error:
        load_settings(read_environment(folder, {**DATABASE, **(environ or {})}))
    assert "\n" not in str(error.value)
    return str(error.value)


def configured(folder: Path, text: str) -> ConfigFile:
    (folder / "monitoring.toml").write_text(text)
    return load_settings(read_environment(folder, DATABASE)).config


def test_a_dotenv_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# the bot's\nexport DATABASE_URL='postgresql://bot:a$b${c}@db.example/atb'\nPORT=9000\nHOST=\n"
    )
    settings = load_settings(read_environment(tmp_path, {"PORT": "9001"}))
    assert settings.database_url == "postgresql://bot:a$b${c}@db.example/atb"
    assert (settings.port, settings.host) == (9001, "127.0.0.1")


def test_a_broken_line_of_the_dotenv_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHOST='127.0.0.1\n")
    assert complaint(tmp_path) == f"{tmp_path / '.env'}, line 2: expected NAME=value"


def test_a_secret_on_anothers_line_is_not_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=127.0.0.1\nPORT=9000MONITORING_DASHBOARD_TOKEN=keep-me-hidden\n")
    assert complaint(tmp_path) == f"{tmp_path / '.env'}, line 2: expected one NAME=value, found a second"


def test_a_dotenv_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\n")
    assert complaint(tmp_path) == f"{tmp_path / '.env'}: expected text in UTF-8"


def test_without_a_config_file_nothing_is_configured(tmp_path: Path) -> None:
    assert load_settings(read_environment(tmp_path, DATABASE)).config == ConfigFile()


def test_the_config_file_says_corrections_and_alerts(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        """
        [[correction]]
        id = 812
        kind = "deposit"

        [[correction]]
        id = "session:14"
        kind = "result"

        [alerts]
        mute = ["books", "errors:E42"]
        max_drawdown = 12.5
        """,
    )
    assert config.corrections == (Correction(812, "deposit"), Correction("session:14", "result"))
    assert config.mute == ("books", "errors:E42")
    assert config.max_drawdown == 12.5


def test_the_log_says_that_the_file_is_not_applied_yet(tmp_path: Path) -> None:
    (tmp_path / "monitoring.toml").write_text("[alerts]\nmax_drawdown = 10\n")
    (notice,) = notices(load_settings(read_environment(tmp_path, DATABASE)))
    assert notice.startswith(str(tmp_path / "monitoring.toml"))
    assert "not applied by this version" in notice


def test_another_config_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "monitoring.toml").write_text("[alerts]\nmax_drawdown = 10\n")
    (tmp_path / "other.toml").write_text("[alerts]\nmax_drawdown = 20\n")
    environ = read_environment(tmp_path, {**DATABASE, "MONITORING_CONFIG": str(tmp_path / "other.toml")})
    assert load_settings(environ).config.max_drawdown == 20


def test_a_named_config_file_must_exist(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.toml")
    assert complaint(tmp_path, {"MONITORING_CONFIG": absent}).startswith(f"{absent}: cannot be read")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\n[alert]\n", "line 2: alert: unknown: expected one of correction, alerts"),
        ("# mine\n[alerts]\n\nmuted = []\n", "line 4: alerts.muted: unknown: expected one of mute, max_drawdown"),
        ("[alerts]\nmax_drawdown = '20'\n", "line 2: alerts.max_drawdown: '20': expected a percentage"),
        ("[alerts]\nmax_drawdown = true\n", "line 2: alerts.max_drawdown: True: expected a percentage"),
        ("[alerts]\nmax_drawdown = nan\n", "line 2: alerts.max_drawdown: nan: expected a percentage"),
        ("[alerts]\nmute = 'books'\n", "line 2: alerts.mute: 'books': expected a list"),
        ("[alerts]\nmute = [\n  'books',\n  'book',\n]\n", "line 2: alerts.mute: 'book': expected \"code\""),
        ("alerts = 1\n", "line 1: alerts: 1: expected a table [alerts]"),
        ("[correction]\nid = 1\n", "line 1: correction: {'id': 1}: expected tables [[correction]]"),
        ("[[correction]]\nid = 1\nkind = 'gift'\n", "line 3: correction.kind: 'gift': expected one of deposit"),
        ("[[correction]]\nid = 0\nkind = 'result'\n", "line 2: correction.id: 0: expected the id of a row"),
        ("[[correction]]\nid = true\nkind = 'result'\n", "line 2: correction.id: True: expected the id of a row"),
        ("[[correction]]\nid = 'gap:1'\nkind = 'result'\n", "line 2: correction.id: 'gap:1': expected the id of a row"),
        (
            "[[correction]]\nid = 1\nkind = 'result'\n\n[[correction]]\nkind = 'result'\n",
            "line 5: correction: expected the key id",
        ),
        (
            "[[correction]]\nid = 1\nkind = 'result'\n[[correction]]\nkind = 'result'\nid = 1\n",
            "line 6: correction.id: 1: expected each id once",
        ),
        ("[alerts\n", "no valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "monitoring.toml").write_text(text)
    sentence = complaint(tmp_path)
    assert sentence.startswith(str(tmp_path / "monitoring.toml"))
    assert expected in sentence
