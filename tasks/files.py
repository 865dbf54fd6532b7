"""Which files may be attached to a task: pictures known by their first bytes, and plain text."""

from __future__ import annotations

from pathlib import PurePath

MAX_SIZE = 10 * 2**20
MAX_NAME = 200
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
TEXTS = {".md": "text/markdown", ".txt": "text/plain", ".log": "text/plain"}


def recognized(name: str, content: bytes) -> tuple[str, str]:
    """The kind (screenshot, document) and media type of a file, by its content first.

    Raises ValueError, in a sentence for the sender, for what a page could not show safely.
    """
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"The name of a file has 1 to {MAX_NAME} printable characters.")
    if len(content) > MAX_SIZE:
        raise ValueError(f"{name}: a file has at most {MAX_SIZE // 2**20} MiB.")
    if media_type := _picture(content):
        return "screenshot", media_type
    suffix = PurePath(name).suffix.lower()
    if suffix in TEXTS and _is_text(content):
        return "document", TEXTS[suffix]
    raise ValueError(
        f"{name}: only pictures (PNG, JPEG, GIF, WebP) and text in UTF-8 ({', '.join(TEXTS)})"
        " can be attached."
    )


def _picture(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for head, kind in PICTURES.items() if content.startswith(head)), "")


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
