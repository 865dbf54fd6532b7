"""The import of the SQLite database in which the earlier dashboard kept what it monitored."""

from monitor.origin_database.importing import Options, import_database
from monitor.origin_database.refusal import Refused
from monitor.origin_database.report import Report

__all__ = ["Options", "Refused", "Report", "import_database"]
