"""The repository looks at itself: what no single module can promise."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).parents[1]
APPS = ["monitor", "sessions", "docsviewer", "costs", "tasks", "records"]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Chosen by Django or by axes, from the name alone.
ASKED_FOR_BY_NAME = {
    "admin/base_site.html",
    "400.html",
    "403.html",
    "403_csrf.html",
    "404.html",
    "500.html",
}
ASKED_FOR_BY_NAME |= {"registration/login.html", settings.AXES_LOCKOUT_TEMPLATE}


def documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(page.read_text() for page in pages if page.exists())


def sources(pattern: str = "*.py") -> Iterator[Path]:
    for app in APPS:
        yield from (ROOT / app).rglob(pattern)


def commands() -> set[str]:
    folder = "management/commands"
    files = [file for app in APPS for file in (ROOT / app / folder).glob("*.py")]
    return {file.stem for file in files} - {"__init__"}


def variables() -> set[str]:
    text = (ROOT / "monitor" / "settings.py").read_text()
    return set(
        re.findall(r'\b(?:env\.\w+|words|choice|flag|zone|folder|database)\(\s*["\'](\w+)', text)
    )


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        route = str(pattern.pattern)
        if route == "^api/":  # takes what no route of the API does
            continue
        if isinstance(pattern, URLPattern) or route == "admin/":
            yield f"/{route}"
        else:
            yield from (
                f"/{route}{inner}".replace("//", "/") for inner in routes(pattern.url_patterns)
            )


class TestTemplates:
    @pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
    def test_nothing_in_them_is_inline(self, template: Path) -> None:
        html = template.read_text()
        assert not re.search(r"<script(?![^>]*\ssrc=)", html)
        assert not re.search(r"<style\b|\sstyle=", html)
        assert not re.search(r"\s(?:on\w+|hx-on[\w:-]*)=", html)
        assert not re.search(r"javascript:|hx-vals='js:|hx-trigger=\"[^\"]*\[", html)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)

    def test_every_one_is_used(self) -> None:
        everything = "".join(path.read_text() for path in [*TEMPLATES, *sources()])
        names = {path.relative_to(ROOT / "templates").as_posix() for path in TEMPLATES}
        unused = {name for name in names - ASKED_FOR_BY_NAME if f'"{name}"' not in everything}
        assert unused == set()

    def test_components_say_what_they_are_given(self) -> None:
        text = "".join(path.read_text() for path in TEMPLATES)
        includes = re.findall(r'{% include "components/[^%]*%}', text)
        assert includes
        assert [tag for tag in includes if " only %}" not in tag] == []


class TestDocumentation:
    @pytest.mark.parametrize("name", sorted(commands()))
    def test_every_command_is_named(self, name: str) -> None:
        assert re.search(rf"\b{name}\b", documentation())

    @pytest.mark.parametrize("name", sorted(variables()))
    def test_every_setting_is_named(self, name: str) -> None:
        assert re.search(rf"\b{name}\b", documentation())

    @pytest.mark.parametrize("route", sorted(routes(get_resolver().url_patterns)))
    def test_every_page_is_named(self, route: str) -> None:
        assert f"`{route}`" in documentation()


class TestCode:
    def test_no_migration_is_missing(self, db: None) -> None:
        call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())

    def test_files_stay_short(self) -> None:
        long = {
            str(path): n for path in sources() if (n := len(path.read_text().splitlines())) > 300
        }
        assert long == {}
