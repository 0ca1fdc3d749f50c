"""Calls of the first dashboard that have no successor here."""

GONE = {
    "/api/prices": "Prices are the exchange's to give; /api/positions has the newest that the engine wrote.",
    "/api/debug": "Nothing in the engine's tables is repaired here: see /api/positions, and `atb db verify`.",
}


def why_gone(path: str) -> str | None:
    """Why the call ``path`` is gone; None where it never was a call."""
    return next((why for call, why in GONE.items() if f"{path}/".startswith(f"{call}/")), None)
