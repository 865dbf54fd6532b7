"""The dialect: CommonMark and GFM with footnotes and front matter, and no HTML of its author.

Hostile text must not take long either. What is done for each sign of a paragraph, or of code, may
go through all of it again: so a paragraph of more than LONGEST_PARAGRAPH characters stays as it is,
and so does code behind the first MOST_CODE characters.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.footnote.index import footnote_ref
from mdit_py_plugins.front_matter import front_matter_plugin

from docsviewer.highlighting import highlighted

LONGEST_PARAGRAPH = 20_000
MOST_CODE = 60_000  # characters of a document that are highlighted
FOOTNOTE = re.compile(r"\[\^[^\s\]]{1,200}\]")
OPENS, CLOSES = "<!--", "-->"

Env = MutableMapping[str, Any]


class Prose(RendererHTML):
    """As HTML: no inline style, and whatever may scroll can be reached by key."""

    def list_item_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env
    ) -> str:
        start, box, end = super().list_item_open(tokens, idx, options, env).partition("<input")
        words = "Done" if tokens[idx].meta.get("checked") else "To do"
        return f'{start}{box} aria-label="{words}"{end}' if box else start

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return "</table></div>\n"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        language, content = tokens[idx].info.split()[:1], tokens[idx].content
        env["code"] = env.get("code", 0) + len(content)
        is_marked = language and env["code"] <= MOST_CODE
        code = highlighted(content, language[0]) if is_marked else escapeHtml(content)
        return f'<pre tabindex="0"><code>{code}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Env) -> str:
        return f'<pre tabindex="0"><code>{escapeHtml(tokens[idx].content)}</code></pre>\n'


def leave_long(state: StateCore) -> None:
    """Let what is too long for a paragraph stand as plain text."""
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > LONGEST_PARAGRAPH:
            token.type = "text"


def comment_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Lines between <!-- and --> are not shown."""
    at = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or not state.src.startswith(OPENS, at):
        return False
    if "last comment" not in state.env:
        state.env["last comment"] = state.src.rfind(CLOSES)
    if state.env["last comment"] < at:
        return False
    if silent:
        return True
    lines = range(start, end)
    closing = (n for n in lines if CLOSES in state.src[max(at, state.bMarks[n]) : state.eMarks[n]])
    line = next(closing, end - 1)
    rest = state.src[max(at, state.bMarks[line]) : state.eMarks[line]].partition(CLOSES)[2].strip()
    state.line = line + 1
    if rest:
        state.push("paragraph_open", "p", 1)
        state.push("inline", "", 0).content = rest
        state.push("paragraph_close", "p", -1)
    return True


def comment(state: StateInline, silent: bool) -> bool:
    """What stands between <!-- and --> is not shown."""
    if not state.src.startswith(OPENS, state.pos):
        return False
    end = state.src.find(CLOSES, state.pos + len(OPENS))
    if end < 0:
        return False
    state.pos = end + len(CLOSES)
    return True


def closed_footnote(state: StateInline, silent: bool) -> bool:
    """A footnote_ref that does not look for its end through the whole paragraph."""
    return bool(FOOTNOTE.match(state.src, state.pos)) and footnote_ref(state, silent)


class Dialect(MarkdownIt):
    renderer: Prose

    def validateLink(self, url: str) -> bool:
        """Any: docsviewer.links says which of them are followed."""
        return True


def dialect() -> Dialect:
    options = {"html": False, "tasklists": True, "alerts": True, "strikethrough_single_tilde": True}
    markdown = Dialect("commonmark", options, renderer_cls=Prose)
    markdown.enable(["table", "strikethrough"])
    markdown.use(footnote_plugin, inline=False).use(front_matter_plugin)
    markdown.inline.ruler.at("footnote_ref", closed_footnote)
    markdown.inline.ruler.before("autolink", "comment", comment)
    markdown.block.ruler.before("fence", "comment", comment_block, {"alt": ["paragraph"]})
    markdown.core.ruler.before("inline", "leave_long", leave_long)
    return markdown


MARKDOWN = dialect()
