"""When the parameters of two rows may be those of one call, although each writer spoilt them.

The origin's two writers took secrets out by different rules and cut long texts at different
lengths.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

SHORTEST_CUT = 190
DEEPEST = 20
MARKS = ("<redacted>", "[redacted]", "***")
SECRETS = ("token", "password", "secret", "api_key", "auth", "credential")


def likeness(task_id: str, tool_name: str, parameters: Any) -> bytes:
    """A digest that is equal for rows that may tell of one call."""
    rough = msgspec.json.encode((task_id, tool_name, _rough(parameters)), order="deterministic")
    return blake2b(rough, digest_size=16).digest()


def _rough(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return None if value.lower() in MARKS else _cut(value)
    if depth == DEEPEST:
        return None
    if isinstance(value, dict):
        return {
            _cut(key): None if _is_secret(key) else _rough(inner, depth + 1)
            for key, inner in value.items()
        }
    return [_rough(inner, depth + 1) for inner in value] if isinstance(value, list) else value


def _cut(text: str) -> str:
    """The part that no writer cuts; without what UTF-8 cannot spell."""
    return text[:SHORTEST_CUT].encode("utf-8", "replace").decode()


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in SECRETS)
