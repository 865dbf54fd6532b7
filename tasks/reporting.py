"""How agents report on tasks: in any order, any number of times, with the same outcome."""

from __future__ import annotations
