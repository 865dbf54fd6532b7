"""Takes secrets out of what agents report, and cuts it to a size that every database stores.

A value is a secret by the name it goes by, at any depth, or by its looks, in any text. Of a text
only the secret part is replaced. What is taken out is never stored, and cannot be had back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import pairwise
from math import isfinite
from typing import Any

MARK = "[redacted]"
TOO_DEEP = "[nested too deep]"
MAX_TEXT = 4000  # characters
TAIL = 32  # characters, for the words that say how many were cut
AHEAD = 80  # characters looked at beyond those shown, where a secret may end
MAX_ITEMS = 500
MAX_DEPTH = 20
MAX_BYTES = 16 * 1024
LENGTHS = (MAX_TEXT, 1000, 250, 80)  # of each string, until the whole is small enough
LEAST_ITEM = 3  # bytes of an item in JSON, with its comma and space
MAX_NESTED = 200  # deeper than JSON of any client, and within Python's stack
MAX_BITS = 4096
PASSES = 4

SECRET_WORD = re.compile(
    r"[a-z]*(?:token|password|passwd|secret|apikey|authorization)|pass(?:words|phrase|code)|pwd"
    r"|secrets|o?auth|jwt|bearer|credentials?|cookies?|apikeys|(?:db|user)pass"
    r"|(?:access|private|secret|signing|encryption|ssh)key|(?:access|api|auth|refresh)tokens"
)
# What a name ends with that speaks of a secret and holds none.
HARMLESS_END = re.compile(
    r"counts?|limits?|length|size|budget|usage|type|index|path|file|ur[il]|endpoint|policy"
)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Every pattern below takes time by the length of a text and no more: none looks twice at what
# another attempt has passed over, but for a bounded stretch.
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
TOKEN = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
      sk-(?:ant|proj|or|svcacct|admin)-[\w-]{4,} | sk-[\w-]{16,}
    | sk-(?=[A-Za-z_-]{0,20}[0-9])[\w-]{8,}
    | [rs]k_(?:live|test)_\w{8,}
    | gh[opsur]_\w{8,} | github_pat_\w{8,} | glpat-[\w-]{8,}
    | xox[a-z]-[\w-]{6,}
    | A[KS]IA[0-9A-Z]{12,} | AIza[\w-]{16,}
    | npm_\w{20,} | pypi-[\w-]{20,} | hf_[A-Za-z]{20,}
    | whsec_\w{16,} | xai-\w{20,} | gsk_\w{20,} | hv[sbr]\.[\w-]{20,} | SG\.[\w-]{16,}\.[\w-]{16,}
    | eyJ[\w-]{4,}(?:\.[\w-]+)+ | eyJ[\w+/=-]{8,}  # a JWT, or other JSON in Base64
    )
    """,
    re.VERBOSE | re.ASCII,
)
USER_INFO = re.compile(r"""(://[^\s/:@"'<>]*:)[^\s/"'<>]+(?=@)""")
USER_OPTION = re.compile(
    r"""((?<![\w-])(?:-u|--user)[ =]\\{0,8}["']?[^\s:"'@/]{1,200}:)(?!\d+(?:[\s"']|\Z))[^\s"']+"""
)
SCHEME = re.compile(
    r"""
    \b((?:[Bb]earer|BEARER)[ \t]{1,8})(?!tokens?\b|auth)[\w.~+/=-]{3,}
    | \b((?:[Bb]asic|BASIC)[ \t]{1,8})(?=[\w+/-]*(?:[0-9=]|[a-z][A-Z]))[\w+/-]{6,}={0,2}
    """,
    re.VERBOSE | re.ASCII,
)
ASSIGNMENT = re.compile(
    r"""
    (?<![\w-])(?:
      (?P<name>[\w-]++) (?:\\{0,8}["'`]\]?)? [ \t]{0,8} (?::=|=>|[:=]=?) [ \t]{0,8}
    | (?P<option>--[\w-]++) (?:\\{0,8}["'])? ,? [ \t]{1,8}
    )
    """,
    re.VERBOSE,
)
QUOTED = r"""
    [bfruBFRU]{0,2}(?P<quote>\\{0,8}(?:\"{3}|'{3}|["'`]))
    (?P<quoted>[^\n]*?)(?:(?<!\\)(?P=quote)|(?=\n)|\Z)
"""
VALUE = re.compile(
    QUOTED
    + r"""
    | (?P<listed>\[[^\[\]\n]*\]|\{[^{}\n]*\})
    | (?![\[{(<]?(?:[\s"'`]|\Z))
      (?P<bare>(?:[^\s"'`;&|,)\]}\\] | \\++(?!["'`]) | [,)\]}]++(?![\s"'`;&|\\]|\Z))++)
    """,
    re.VERBOSE,
)
HEADER = re.compile(r"cookie|authorization", re.IGNORECASE)
HEADER_VALUE = re.compile(
    QUOTED
    + r"""
    | (?:(?:bearer|basic|digest|negotiate|token)[ \t]+)?(?P<line>[^\s"'`\\][^\r\n"'`\\]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What stands for a value in programs and settings: a type, nothing, a variable's name.
PLAIN = re.compile(
    r"\[redacted\]|\*+|none|null|true|false|undefined|str|string|int|bool|boolean"
    r"|\$\{?[A-Z][A-Z0-9_]*\}?",
    re.IGNORECASE,
)
# What every pattern above needs at least: a text without any of it has nothing to hide.
HINT = re.compile(
    r"sk-|k_live|k_test|gh[opsur]_|github_pat|glpat-|xox|a[ks]ia|aiza|npm_|pypi-|hf_|eyj|://"
    r"|whsec_|xai-|gsk_|hv[sbr]\.|sg\."
    r"|-u[ =]|--user|bearer|basic|token|pass|pwd|secret|auth|key|credential|cookie|jwt",
    re.IGNORECASE,
)
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def redact(value: Any) -> Any:
    """A JSON-like value without its secrets. Under a secret's name numbers stay: they count."""
    return _redacted(value, redact_text)


def redact_text(text: str) -> str:
    """A text without its secrets. To redact it again changes nothing."""
    if not HINT.search(text):
        return text
    for _ in range(PASSES):  # what one replacement uncovers, the next pass takes
        redacted = _pass(text)
        if redacted == text:
            break
        text = redacted
    return text


def clean(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the parameters of a tool call: no secrets, and at most 16 kB of JSON.

    Strings, lists and dicts too long or too deep are cut, and say so in their place. Where short
    strings do not help either, one entry says how much was not kept.
    """
    shape = _shape(parameters)
    if _items(shape) * LEAST_ITEM <= MAX_BYTES:
        for length in LENGTHS:
            kept: dict[str, Any] = _redacted(shape, partial(clean_text, limit=length))
            if len(json.dumps(kept)) <= MAX_BYTES:
                return kept
    return {"cut": f"{len(json.dumps(shape))} bytes of parameters were not kept"}


def clean_text(text: str, limit: int) -> str:
    """At most `limit` characters of a text without secrets, in letters every database stores."""
    window = 2 * limit  # beyond what is shown, so that no secret is cut before it is seen
    kept = redact_text(UNSTORABLE.sub("\ufffd", text[:window]))
    unseen = max(len(text) - window, 0)
    if len(kept) <= limit and not unseen:
        return kept
    known = len(kept) - AHEAD if unseen else len(kept)  # what went may have brought the end near
    shown = max(min(limit - TAIL, known), 0)
    return f"{kept[:shown]}… [{len(kept) + unseen - shown} characters cut]"[:limit]


@lru_cache(maxsize=4096)
def names_secret(name: str) -> bool:
    """Whether a name speaks of a secret, by its words: `apiKey` does, `author` does not."""
    words = [word.lower() for word in WORDS.findall(name[-200:])]
    if not words or HARMLESS_END.fullmatch(words[-1]):
        return False
    pairs = [first + second for first, second in pairwise(words)]
    named = any(SECRET_WORD.fullmatch(word) for word in [*words, *pairs])
    return named or (words[-1] == "pass" and len(words) > 1)


def _redacted(value: Any, text: Callable[[str], str], depth: int = 0) -> Any:
    if isinstance(value, str):
        return text(value)
    if depth > MAX_NESTED:
        return MARK if isinstance(value, Mapping | list | tuple) else value
    if isinstance(value, Mapping):
        return {_name(key, text): _under(key, item, text, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        options = [None, *value]  # of ["--password", "…"] the second is a secret
        return [
            MARK
            if _is_option(option) and isinstance(item, str) and item[:1] != "-"
            else _redacted(item, text, depth + 1)
            for option, item in zip(options, value, strict=False)
        ]
    return value


def _under(key: Any, item: Any, text: Callable[[str], str], depth: int) -> Any:
    secret = isinstance(key, str) and (names_secret(key) or names_secret(redact_text(key)))
    if secret and isinstance(item, str | Mapping | list | tuple):
        return MARK
    return _redacted(item, text, depth)


def _name(key: Any, text: Callable[[str], str]) -> Any:
    return text(key) if isinstance(key, str) else key


def _is_option(word: Any) -> bool:
    return isinstance(word, str) and word[:2] == "--" and "=" not in word and names_secret(word)


def _pass(text: str) -> str:
    text = PRIVATE_KEY.sub(MARK, text)
    text = TOKEN.sub(MARK, text)
    text = USER_INFO.sub(rf"\1{MARK}", text)
    text = USER_OPTION.sub(rf"\1{MARK}", text)
    text = SCHEME.sub(rf"\1\2{MARK}", text)
    return _assigned(text)


def _assigned(text: str) -> str:
    """The text with a mark for each value that is given a secret's name in it."""
    parts, position = [], 0
    for found in ASSIGNMENT.finditer(text):
        name = found["name"] or found["option"]
        if found.start() < position or not names_secret(name):
            continue
        start, end = _value(text, found.end(), name, is_option=found["option"] is not None)
        if start < end:
            parts += [text[position:start], MARK]
            position = end
    return "".join([*parts, text[position:]])


def _value(text: str, position: int, name: str, *, is_option: bool) -> tuple[int, int]:
    """Where the secret lies that begins at `position`; an empty span where there is none."""
    found = (HEADER_VALUE if HEADER.search(name) else VALUE).match(text, position)
    if found is None or found.lastgroup is None:
        return position, position
    start, end = found.span(found.lastgroup)
    if PLAIN.fullmatch(text, start, end) or (is_option and text[start : start + 1] == "-"):
        return position, position
    return start, end


def _shape(value: Any, depth: int = 0) -> Any:
    """JSON-like, with few enough items and levels, and numbers every database takes."""
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, int):
        bits = value.bit_length()
        return value if bits <= MAX_BITS else f"[a number of {bits} bits]"
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if not isinstance(value, Mapping | list | tuple):
        return str(value)
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    beyond = len(value) - MAX_ITEMS
    if isinstance(value, Mapping):
        kept = {str(key): _shape(item, depth + 1) for key, item in [*value.items()][:MAX_ITEMS]}
        return kept | ({"[cut]": f"{beyond} more items were not kept"} if beyond > 0 else {})
    items = [_shape(item, depth + 1) for item in value[:MAX_ITEMS]]
    return items + ([f"[{beyond} more items were not kept]"] if beyond > 0 else [])


def _items(shape: Any) -> int:
    if isinstance(shape, dict):
        return sum(map(_items, shape.values())) + 1
    return sum(map(_items, shape)) + 1 if isinstance(shape, list) else 1
