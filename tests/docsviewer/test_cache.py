import pytest

from docsviewer.cache import Cache


class TestCache:
    def test_what_is_kept_is_not_made_again(self) -> None:
        cache = Cache[str](10, len)
        assert cache.get("a", lambda: "first") == "first"
        assert cache.get("a", lambda: "second") == "first"

    def test_what_was_not_used_for_longest_makes_room(self) -> None:
        cache = Cache[str](10, len)
        for key in "ab":
            cache.get(key, lambda: "12345")
        cache.get("a", lambda: "unused")
        cache.get("c", lambda: "12345")
        assert cache.get("a", lambda: "again") == "12345"
        assert cache.get("b", lambda: "again") == "again"
        assert cache.held == 10

    def test_what_is_too_large_is_not_kept(self) -> None:
        cache = Cache[str](3, len)
        assert cache.get("a", lambda: "12345") == "12345"
        assert cache.held == 0
        assert cache.get("a", lambda: "new") == "new"

    def test_a_failure_is_not_kept(self) -> None:
        cache = Cache[str](3, len)
        with pytest.raises(ZeroDivisionError):
            cache.get("a", lambda: str(1 / 0))
        assert cache.get("a", lambda: "a") == "a"
