"""Finds the servers that tests are run behind, nginx and PgBouncer, and lynx, a browser of text."""

import os
import shutil

from scripts.programs import install_packages, starts

ELSEWHERE = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"
VERSION_OPTION = {"nginx": "-v", "pgbouncer": "-V", "lynx": "-version"}


def find_server(name: str) -> str | None:
    """The program that the variable of its name ($NGINX) names, else an installed one; None when there is none."""
    asked, named = VERSION_OPTION[name], os.environ.get(name.upper())
    if named:
        if not starts(named, asked):
            raise FileNotFoundError(f"{name.upper()}={named}: expected a {name} that answers {asked}")
        return shutil.which(named)
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{ELSEWHERE}")
    return path if path and starts(path, asked) else None


def install_server(name: str) -> str | None:
    install_packages(name)
    return find_server(name)
