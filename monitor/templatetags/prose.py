"""Texts with paragraphs and `code`, as the API describes itself with them."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def words(text: str) -> SafeString:
    """A text in which what stands between two backticks is code."""
    parts = text.split("`")
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", part) if is_code else part,)
            for part, is_code in zip(parts, [False, True] * len(parts), strict=False)
        ),
    )


@register.filter
def prose(text: str) -> SafeString:
    """As `words`, in paragraphs as empty lines part them."""
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    return format_html_join("\n", "<p>{}</p>", ((words(paragraph),) for paragraph in paragraphs))
