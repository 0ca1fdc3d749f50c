"""Addresses that forms and cookies bring along."""


def local_target(target: str) -> str:
    """``target`` if it is a path of this dashboard, else the front page: never another site."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"
