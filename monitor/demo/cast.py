"""Who and what there is in the invented month."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.demo.marks import USERS

# How much of the work each user gives out.
SHARES = dict(zip(USERS, (30, 22, 16, 12, 8, 6, 4, 2), strict=True))
BOTS = USERS[2:6]  # these also ask without a session
NAMES = ("Web team", "Release bot", "Data team", "Support bot", "Night builds")

MODELS = {"claude-sonnet-5": 55, "claude-opus-5": 25, "gpt-5.3-codex": 20}
SMALL_MODELS = {"claude-haiku-4-5": 70, "gemini-3.5-flash": 30}
AGENTS = {"developer": 60, "reviewer": 18, "tester": 14, "writer": 8}
TYPES = {"developer": "code", "reviewer": "review", "tester": "code", "writer": "summary"}
HOSTS = ("build-1", "build-2", "desk-7")
PHASES = ("reading", "writing", "testing")

WORKSPACES = {"shop": "src/shop", "ledger": "ledger", "gateway": "gateway", "site": "app"}
THINGS = (
    *("invoice", "upload", "search", "login", "export", "webhook", "calendar", "report"),
    *("notification", "import", "billing", "profile", "cache", "session", "coupon", "address"),
)
WORK = (
    "Fix the flaky {} test",
    "Add paging to the {} list",
    "Speed up the {} query",
    "Move {} to the new client",
    "Write tests for {} errors",
    "Review the change to {}",
    "Show why the {} was refused",
    "Let the {} be undone",
    "Remove the old {} code",
    "Explain {} in the guide",
    "Find out why {} is slow at night",
    "Make {} work offline",
    "Check {} for missing translations",
    "Give the {} API stricter types",
    "Keep a log of every {}",
    "Bring {} up to date with the new library",
)
# The steps of every plan, and what is said of each while it is being done.
PLAN = {
    "Read the code around {}": "Reading the code around {}",
    "Write a test that fails": "Writing a test that fails",
    "Change {} until it passes": "Changing {}",
    "Run all tests": "Running all tests",
    "Describe the change": "Describing the change",
}
ERRORS = (
    "Tests still fail after {} attempts: 4 failed, 128 passed",
    "[timeout] No news for more than 30 min.",
    "The model is overloaded, gave up after {} attempts",
    "Merge conflict in src/settings.py, {} lines",
    "No space left on device while building image {}",
)
OUTAGE = "Connection refused by the package mirror at 10.0.0.{}:443"
RESULTS = (
    "Done: {} tests pass, the change is on its branch.",
    "Done. The cause was a missing index; {} lines changed.",
    "Done, with {} remarks for the reader.",
)


@dataclass(frozen=True)
class Tool:
    """How often a tool is called, how long that takes (ms, median and spread), how it fails."""

    weight: int
    median: float
    spread: float
    failures: float
    errors: tuple[str, ...] = ("Interrupted by the user",)


TOOLS = {
    "Read": Tool(30, 14, 0.7, 0.02, ("File does not exist: {}.py",)),
    "Bash": Tool(
        *(26, 2200, 1.5, 0.09),
        (
            "Exit code 1\nAssertionError: expected {} rows",
            "Exit code 1\nAssertionError: expected {} rows",
            "Command timed out after 120000 ms, {} lines of output",
            "/bin/sh: 1: gh: not found",
            "Exit code 128\nfatal: unable to access the remote after {} s",
        ),
    ),
    "Edit": Tool(
        *(17, 35, 0.6, 0.05),
        ("String to replace not found in file, line {}", "File has not been read yet."),
    ),
    "Grep": Tool(11, 90, 0.8, 0.01, ("regex parse error at {}: unclosed group",)),
    "Glob": Tool(5, 40, 0.7, 0.005, ("Path /srv/build-{} does not exist",)),
    "Write": Tool(4, 25, 0.6, 0.02, ("Permission denied: /etc/app-{}.conf",)),
    "WebFetch": Tool(3, 3100, 0.8, 0.12, ("Request failed with status code 503 after {} s",)),
    "WebSearch": Tool(2, 1800, 0.5, 0.03, ("Rate limit of {} searches reached",)),
    "mcp__github__get_issue": Tool(2, 620, 0.5, 0.06, ("401 Unauthorized, request {}",)),
    "mcp__browser__snapshot": Tool(2, 1400, 0.7, 0.08, ("Timed out after {} ms",)),
}
COMMANDS = (
    *("make test", "pytest -q tests/{0}", "git diff --stat", "git commit -am 'Change {0}'"),
    *("npm run build", "ruff check .", "ls -la {0}", "docker compose logs --tail 50 {0}"),
)
