"""Sorts error texts: into categories, and by what they share once numbers and ids are taken out."""

from __future__ import annotations

import re
from hashlib import blake2b

HEAD = 1000  # characters: an error says what it is at its beginning or at its end
MARK = "#"

# Asked in this order of the lower-cased text: the first that is found names the category.
# No rule repeats a repetition, so that a long text takes time by its length and no more.
RULES = {
    "command_not_found": r"command not found|not recognized as an internal|exit code 127\b"
    r"|spawn \S{1,200} enoent|: \d+: \S{1,200}: not found",
    "permission_error": r"permission|eacces|\beperm\b|operation not permitted|access (?:is )?denied"
    r"|forbidden|unauthori[sz]ed|not authori[sz]ed|not allowed|read-only file system"
    r"|authentication failed|requires approval|doesn't want to proceed",
    "file_not_found": r"no such file|no such directory|filenotfound|\benoent\b|notadirectory"
    r"|not a directory|cannot find the (?:file|path)|(?:file|directory|folder|path) not found"
    r"|(?:file|directory|folder|path)\b[^\n]{0,200} does not exist",
    "timeout": r"timed?[ -]?out|deadline exceeded|took too long",
    "syntax_error": r"syntax ?error|indentationerror|taberror|invalid syntax|unexpected token"
    r"|unexpected (?:end of|eof|indent)|pars(?:e|ing) error|jsondecodeerror|unterminated",
    "network_error": r"\bnetwork\b|connection ?(?:refused|reset|aborted|closed|error|failed)"
    r"|econn(?:refused|reset|aborted)|enotfound|getaddrinfo|could(?: not|n't) resolve"
    r"|name or service not known|name resolution|no route to host|socket hang up|fetch failed"
    r"|bad gateway|service unavailable|certificate|\bssl(?:error)?\b|\bdns\b|status code [45]\d\d",
    "git_error": r"\bgit\b|merge conflict|^conflict \(|non-fast-forward|detached head|pathspec"
    r"|failed to push|^fatal: ",
    "validation_error": r"validation|invalid|valueerror|typeerror|keyerror|assertionerror|required"
    r"|must be|\bexpected|missing|not found in file|has not been read|modified since"
    r"|unexpectedly modified|matches of the string|no changes to make",
    "resource_error": r"memory|\boom\b|enospc|no space left|disk (?:quota|full)|\bquota\b|emfile"
    r"|too many|rate.?limit|too large|too long|exceed|overloaded|resource|recursion|killed"
    r"|exit code 137\b",
}
PATTERNS = {name: re.compile(rule, re.MULTILINE) for name, rule in RULES.items()}

# What differs between two reports of one error. All give the same mark, so that it does not
# matter which of them a run of digits is taken for.
PARTICULARS = re.compile(
    r"""
    \b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?  # a time
    | \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b  # a UUID
    | \b0x[0-9a-f]++\b
    | \b(?:[0-9a-f]{12,}+|(?=[a-f]{0,11}[0-9])[0-9a-f]{7,}+)\b  # a digest
    | \b(?:(?:toolu|req|msg|call)_|tmp)(?=[a-z_]{0,40}[0-9])[a-z0-9_]{8,}+\b  # an id
    | (?:(?<!\w)-)?\d++(?:[.,]\d++)*+(?:e[+-]?\d++)?
    """,
    re.VERBOSE | re.IGNORECASE,
)


def category(text: str) -> str:
    """The category of an error, `unknown_error` where no rule knows it.

    Of a long text the beginning and the end are read: a traceback ends with what was wrong.
    """
    told = text if len(text) <= 2 * HEAD else f"{text[:HEAD]}\n{text[-HEAD:]}"
    told = told.lower()
    return next((name for name, rule in PATTERNS.items() if rule.search(told)), "unknown_error")


def fingerprint(text: str) -> str:
    """16 hex digits that two errors share when they say the same, numbers and ids aside."""
    told = normalized(text).encode(errors="surrogatepass")
    return blake2b(told, digest_size=8).hexdigest()


def normalized(text: str) -> str:
    """The beginning of an error with a mark for each number, time and id, and single spaces."""
    told = PARTICULARS.sub(MARK, text[: 4 * HEAD])
    return " ".join(told.split())[:HEAD]
