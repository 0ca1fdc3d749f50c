"""The process's environment variables, and the files in the working directory that add to them."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from monitoring.errors import UserError
from monitoring.strength import SECRET_KEY, TOKEN

DOTENV = ".env"
CONFIG_FILE = "monitoring.toml"
SECRETS = (TOKEN, SECRET_KEY)


def read_environment(folder: Path | None = None, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of ``environ`` over those of the folder's ``.env``; values there are taken as they stand.

    ``MONITORING_CONFIG`` is the folder's ``monitoring.toml`` where that exists and nothing else is said.
    Raises UserError with file and line.
    """
    folder = folder or Path()
    variables = {**_dotenv(folder / DOTENV), **environ}
    if not variables.get("MONITORING_CONFIG", "").strip() and (folder / CONFIG_FILE).exists():
        variables["MONITORING_CONFIG"] = str(folder / CONFIG_FILE)
    return variables


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig") as text:
            for binding in parse_stream(text):
                if binding.error:
                    raise UserError(f"{path}, line {binding.original.line}: expected NAME=value")
                if binding.value is not None and any(f"{name}=" in binding.value for name in SECRETS):
                    # Two lines that ran together. A sentence on the value would say the secret.
                    raise UserError(f"{path}, line {binding.original.line}: expected one NAME=value, found a second")
                if binding.key is not None and binding.value is not None:
                    found[binding.key] = binding.value
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    return found
