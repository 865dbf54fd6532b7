"""A month of invented work, to look at and to try things on: loaded, and taken out again whole."""

from monitor.demo.clearing import Cleared, clear
from monitor.demo.loading import Loaded, load
from monitor.demo.marks import Refused

__all__ = ["Cleared", "Loaded", "Refused", "clear", "load"]
