"""What is known about a session without asking again: running state fed by new rows, reconciled now and then."""

from monitoring.ledger.keeper import MOST_LEDGERS, Ledgers
from monitoring.ledger.session import Ledger

__all__ = ["MOST_LEDGERS", "Ledger", "Ledgers"]
