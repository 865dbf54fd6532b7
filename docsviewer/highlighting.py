"""Code with its parts marked by class; static/css/highlight.css gives them colours."""

from __future__ import annotations

from functools import cache

from django.utils.html import escape
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

LONGEST = 8_000  # characters; some lexers take the square of it
FORMATTER = HtmlFormatter(nowrap=True)

# Not all that Pygments knows: some of its lexers take very long over hostile text.
KNOWN = """
bash c c++ console cpp cs csharp css diff django docker dockerfile go graphql hcl html http
ini java javascript jinja js json jsx kotlin lua make makefile markdown md nginx php
postgresql powershell py python rb rs ruby rust scala sh shell shell-session sql sqlite3 swift
systemd terraform toml ts tsx typescript xml yaml yml zsh
"""
LANGUAGES = frozenset(KNOWN.split())


def highlighted(code: str, language: str) -> str:
    """The code as HTML; marked up where its language is a known one and it is not very long."""
    name = language.lower()
    if name not in LANGUAGES or len(code) > LONGEST:
        return escape(code)
    return str(highlight(code, lexer(name), FORMATTER))


@cache
def lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False)
