"""The import of usage.json, the file in which the earlier dashboard kept its costs."""

from costs.usage_json.importing import Options, import_file
from costs.usage_json.refusal import Refused
from costs.usage_json.report import Report

__all__ = ["Options", "Refused", "Report", "import_file"]
