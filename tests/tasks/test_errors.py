from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import RULES, category, fingerprint, normalized

MEGABYTE = 10**6


class TestCategory:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("bash: rg: command not found", "command_not_found"),
            ("zsh: command not found: node", "command_not_found"),
            ("sh: 1: poetry: not found", "command_not_found"),
            ("spawn npx ENOENT", "command_not_found"),
            ("Permission denied (publickey).", "permission_error"),
            ("PermissionError: [Errno 13] '/etc/shadow'", "permission_error"),
            ("EACCES: permission denied, open '/x'", "permission_error"),
            ("HTTP 403 Forbidden", "permission_error"),
            ("cat: /w/a.py: No such file or directory", "file_not_found"),
            ("ENOENT: no such file or directory, open 'a'", "file_not_found"),
            ("File does not exist.", "file_not_found"),
            ("Path /w/tests does not exist", "file_not_found"),
            ("Command timed out after 2m 0.0s", "timeout"),
            ("[timeout] no update for 30 min", "timeout"),
            ("context deadline exceeded", "timeout"),
            ("SyntaxError: invalid syntax (a.py, line 3)", "syntax_error"),
            ("Unexpected token '<' in JSON at position 0", "syntax_error"),
            ("connect ECONNREFUSED 127.0.0.1:5432", "network_error"),
            ("fatal: unable to access: Could not resolve host: x.example", "network_error"),
            ("fatal: not a git repository (or any parent): .git", "git_error"),
            ("error: failed to push some refs", "git_error"),
            ("CONFLICT (content): Merge conflict in a.py", "git_error"),
            ("InputValidationError: the parameter `path` is missing", "validation_error"),
            ("String to replace not found in file.", "validation_error"),
            ("File has not been read yet. Read it first.", "validation_error"),
            ("File has been unexpectedly modified.", "validation_error"),
            ("OSError: [Errno 28] No space left on device", "resource_error"),
            ("JavaScript heap out of memory", "resource_error"),
            ("429 Too Many Requests", "resource_error"),
            ("File content (31000 tokens) exceeds the maximum", "resource_error"),
            ("Something went wrong", "unknown_error"),
            ("", "unknown_error"),
        ],
    )
    def test_it_sorts_what_tools_say(self, text: str, expected: str) -> None:
        assert category(text) == expected

    def test_the_first_rule_that_holds_wins(self) -> None:
        assert category("git: permission denied") == "permission_error"

    def test_case_does_not_matter(self) -> None:
        assert category("CONNECTION REFUSED") == "network_error"

    def test_the_end_of_a_long_traceback_counts(self) -> None:
        frames = '  File "a.py", line 1, in f\n' * 500
        text = f"Traceback (most recent call last):\n{frames}FileNotFoundError: 'a'"
        assert category(text) == "file_not_found"

    def test_what_lies_in_the_middle_of_a_long_text_does_not(self) -> None:
        assert category("." * 2000 + "permission denied" + "." * 2000) == "unknown_error"

    @given(st.text(max_size=300))
    def test_any_text_has_a_category(self, text: str) -> None:
        assert category(text) in {*RULES, "unknown_error"}


class TestFingerprint:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("line 3", "line 12345"),
            ("took 1.5s", "took 12,000s"),
            ("offset -1", "offset 7"),
            ("at 0x7f3a", "at 0xdeadbeef00"),
            ("commit 4f2a9c1", "commit 1234567890abcdef1234567890abcdef12345678"),
            (
                "task 9b2f6c1e-0a4d-4c7b-8f61-0b7a3c2d1e0f is gone",
                "task 00000000-0000-4000-8000-000000000000 is gone",
            ),
            ("2026-03-01T10:00:00Z lost", "2025-12-31 23:59:59.123456+02:00 lost"),
            ("open '/tmp/run-12/out7.log'", "open '/tmp/run-9/out1234.log'"),
            ("toolu_01AbCdEfGhIj failed", "toolu_99ZyXwVuTsRq failed"),
            ("a  b\n\tc", " a b c "),
        ],
    )
    def test_two_that_differ_in_particulars_share_one(self, one: str, other: str) -> None:
        assert fingerprint(one) == fingerprint(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("No such file: a.py", "No such file: b.py"),
            ("defaced facade", "effaced facade"),  # words, though of hex digits
            ("", "a"),
        ],
    )
    def test_two_that_say_something_else_do_not(self, one: str, other: str) -> None:
        assert fingerprint(one) != fingerprint(other)

    @given(
        st.lists(st.sampled_from(["line", "of", "at", "(", "/tmp/x", "error:"]), min_size=1),
        st.integers(0, 10**12),
        st.integers(0, 10**12),
    )
    def test_numbers_never_matter(self, words: list[str], one: int, other: int) -> None:
        assert fingerprint(f" {one} ".join(words)) == fingerprint(f" {other} ".join(words))

    @given(st.text(st.characters(codec=None), max_size=200))
    def test_it_is_sixteen_hex_digits_of_any_text(self, text: str) -> None:
        told = fingerprint(text)
        assert len(told) == 16
        assert set(told) <= set("0123456789abcdef")

    def test_a_lone_surrogate_has_one(self) -> None:
        assert len(fingerprint("\ud800")) == 16

    def test_it_is_the_same_in_another_process(self) -> None:
        code = "from tasks.errors import fingerprint; print(fingerprint('line 3 of x'))"
        command = [sys.executable, "-c", code]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert told.strip() == fingerprint("line 4 of x")

    def test_only_the_beginning_matters(self) -> None:
        assert fingerprint("word " * 1000 + "one") == fingerprint("word " * 1000 + "another")


class TestNormalized:
    def test_it_reads_as_the_text_with_marks(self) -> None:
        assert normalized("Error  at line 12,\n col 3.5 of x2") == "Error at line #, col # of x#"

    @given(st.text(max_size=300))
    def test_to_normalize_again_changes_nothing(self, text: str) -> None:
        once = normalized(text)
        assert normalized(once) == once

    @pytest.mark.parametrize(
        "piece", ["a", "0", " ", "file ", "a1", "0-", "-", "1.", "0x", "spawn ", "\n", "path\x0b"]
    )
    def test_long_texts_are_cut_before_they_are_looked_at(self, piece: str) -> None:
        text = piece * (MEGABYTE // len(piece))
        assert len(normalized(text)) <= 1000
        assert category(text) == category(text[:1000] + "\n" + text[-1000:])
