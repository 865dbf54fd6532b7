from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.redaction import MAX_BYTES, clean, clean_text, redact, redact_text

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJSMeKKF2QT4"
GITHUB = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"

# Texts in which most patterns nearly hold, and some do.
SCRAPS = [
    *("token", "password", "--password", "auth", "Cookie", "author", "x", "API_KEY", "a b"),
    *("=", ":", " = ", ": ", " ", "\n", '"', "'", '\\"', "\\", ",", ";", "&", "|", "@", "/"),
    *("(", ")", "[", "]", "{", "}", "://", "u:p@", "Bearer ", "Basic dXNlcjpw", "-u a:b"),
    *("sk-ant-abcd", "sk-", "eyJhbGc", ".", "[redacted]", "-----BEGIN PRIVATE KEY-----"),
    *("-----END PRIVATE KEY-----", "None", "$HOME", "12", '"""'),
]
texts = st.lists(st.sampled_from(SCRAPS), max_size=14).map("".join) | st.text(max_size=40)
names = st.sampled_from(["token", "author", "x", "api_key", "count"]) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


class TestRedact:
    @pytest.mark.parametrize(
        "name",
        [
            *("token", "password", "passwd", "pwd", "secret", "authorization", "auth", "cookie"),
            *("credential", "credentials", "bearer", "api_key", "apiKey", "APIKEY", "x-api-key"),
            *("API key", "XApiKey", "access_key", "accessKeyId", "privateKey", "PRIVATE_KEY"),
            *("Set-Cookie", "clientSecret", "GITHUB_TOKEN", "csrftoken", "PGPASSWORD", "DB_PASS"),
            *("refreshToken", "proxy-authorization", "passWord", "--token", "user.password"),
        ],
    )
    def test_a_value_is_a_secret_by_its_name(self, name: str) -> None:
        assert redact({name: "hunter2"}) == {name: "[redacted]"}

    @pytest.mark.parametrize(
        "name",
        [
            *("author", "authored_by", "max_tokens", "input_tokens", "tokenizer", "token_count"),
            *("keyboard", "secretary", "key", "monkey", "session_key", "pass", "bypass", "path"),
            *("tokens", "passed", "public_key", "authentic", "token_limit", "cookie_file"),
        ],
    )
    def test_other_names_hide_nothing(self, name: str) -> None:
        assert redact({name: "hunter2"}) == {name: "hunter2"}

    @pytest.mark.parametrize("value", [100, 1.5, True, None])
    def test_numbers_and_the_like_stay(self, value: object) -> None:
        assert redact({"token": value}) == {"token": value}

    @pytest.mark.parametrize("value", ["x", ["x"], {"a": 1}, "", [], {}])
    def test_containers_go_as_a_whole(self, value: object) -> None:
        assert redact({"credentials": value}) == {"credentials": "[redacted]"}

    def test_it_looks_at_any_depth(self) -> None:
        deep: Any = {"password": "hunter2", "note": f"see {GITHUB}"}
        told = {"password": "[redacted]", "note": "see [redacted]"}
        for _ in range(100):
            deep, told = {"a": [1, deep]}, {"a": [1, told]}
        assert redact(deep) == told

    def test_what_is_nested_beyond_reason_is_not_looked_at_and_not_kept(self) -> None:
        deep: Any = "hunter2"
        for _ in range(900):
            deep = {"a": deep}
        assert "hunter2" not in str(redact(deep))

    def test_the_argument_after_an_option_is_a_secret(self) -> None:
        command = ["mysql", "--password", "hunter2", "--token", "--verbose", "db"]
        assert redact(command) == [
            *("mysql", "--password", "[redacted]", "--token", "--verbose", "db")
        ]

    def test_secrets_in_names_go_too(self) -> None:
        assert redact({f"see {GITHUB}": 1}) == {"see [redacted]": 1}

    @given(values)
    def test_to_redact_again_changes_nothing(self, value: Any) -> None:
        once = redact(value)
        assert repr(redact(once)) == repr(once)  # as text, in which nan equals nan

    @given(st.recursive(st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3)))
    def test_what_holds_no_text_stays_as_it_is(self, value: Any) -> None:
        assert redact(value) == value


class TestRedactText:
    @pytest.mark.parametrize(
        "secret",
        [
            *("sk-ant-api03-abcDEF_123-456", "sk-proj-abcd1234", "sk-1234567890abcdef", GITHUB),
            *("gho_16C7e42F292c6912E7710c83", "ghs_16C7e42F292c6912E7710c83"),
            *("github_pat_11ABCDEFG0_abcdefghij", "xoxb-1234-5678-abcdef", "xoxp-1-2-abc-def"),
            *("AKIAIOSFODNN7EXAMPLE", "AIzaSyA1234567890abcdefghijklmnopqrs"),
            *("glpat-abcdefghij0123456789", JWT, "sk_live_abcdefgh12345678", KEY),
            *("whsec_abcdefgh12345678", f"xai-{'a1' * 12}", f"gsk_{'b2' * 12}"),
            *(f"hvs.{'c3' * 12}", f"SG.{'d4' * 9}.{'e5' * 9}"),
        ],
    )
    @pytest.mark.parametrize("around", ["{}", "see {} there", '"{}"', "x={},", "https://h/{}/x"])
    def test_a_value_is_a_secret_by_its_looks(self, secret: str, around: str) -> None:
        assert redact_text(around.format(secret)) == around.format("[redacted]")

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("API_KEY=hunter2 make", "API_KEY=[redacted] make"),
            ("export DB_PASS='hunter 2'; ls", "export DB_PASS='[redacted]'; ls"),
            ("mysql --password hunter2 db", "mysql --password [redacted] db"),
            ("x --api-key=hunter2 -v", "x --api-key=[redacted] -v"),
            ("password: hunter2, user: bob", "password: [redacted], user: bob"),
            ("pwd=hunter2;User=bob", "pwd=[redacted];User=bob"),
            ('{"token": "hunter2", "n": 1}', '{"token": "[redacted]", "n": 1}'),
            (r"{\"token\": \"hu\\\"nt\", \"n\": 1}", r"{\"token\": \"[redacted]\", \"n\": 1}"),
            ('{"secrets": ["a", "b"]}', '{"secrets": [redacted]}'),
            ('["--token", "hunter2", "x"]', '["--token", "[redacted]", "x"]'),
            ("https://h/x?token=hunter2&y=1", "https://h/x?token=[redacted]&y=1"),
            ("f(password=hunter2)", "f(password=[redacted])"),
            ("env['API_KEY'] = 'hunter2'", "env['API_KEY'] = '[redacted]'"),
            (r"c[\"password\"] = \"hunter2\"", r"c[\"password\"] = \"[redacted]\""),
            ("password=a,b)c", "password=[redacted]"),
            ('p = password="""hunter2"""', 'p = password="""[redacted]"""'),
            ("token: unclosed 'x\nnext", "token: [redacted] 'x\nnext"),
            ("token='hunter2\nnext", "token='[redacted]\nnext"),
            ("postgres://bob:hunter2@db/x", "postgres://bob:[redacted]@db/x"),
            ("redis://:p@ss@db", "redis://:[redacted]@db"),
            ("curl -u bob:hunter2 h", "curl -u bob:[redacted] h"),
            ("Bearer hunter2", "Bearer [redacted]"),
            ("-H 'X: basic dXNlcjpwYXNz'", "-H 'X: basic [redacted]'"),
            (
                'curl -H "Authorization: Bearer hunter2" h',
                'curl -H "Authorization: Bearer [redacted]" h',
            ),
            ("-H 'Cookie: a=1; b=2' h", "-H 'Cookie: [redacted]' h"),
            (
                "Authorization: Digest a, b\r\nHost: h",
                "Authorization: Digest [redacted]\r\nHost: h",
            ),
            (f"a {KEY} b", "a [redacted] b"),
            (f"a {KEY[:40]}", "a [redacted]"),
        ],
    )
    def test_only_the_secret_part_is_replaced(self, text: str, told: str) -> None:
        assert redact_text(text) == told

    @pytest.mark.parametrize(
        "text",
        [
            "def f(token: str, password: str | None = None) -> None: ...",
            "API_KEY=$KEY TOKEN=${OTHER} make",
            'token="" user="bob"',
            "max_tokens: 4096, author: bob",
            "--password --user bob",
            "Basic information, bearer tokens, the secret",
            "docker run -u 1000:1000 x",
            "http://localhost:8000/x and bob@example.org",
            "--- PASS: TestToken (0.00s)",
            "src/auth.ts:12: unexpected token",
            "the sk-learn package",
            'auth = {\n  "user": "bob"\n}',
            "-----BEGIN CERTIFICATE-----",
        ],
    )
    def test_what_is_no_secret_stays(self, text: str) -> None:
        assert redact_text(text) == text

    def test_json_in_text_stays_json(self) -> None:
        text = json.dumps({"a": json.dumps({"password": 'x"y', "n": 1}), "token": "t"})
        told = json.loads(redact_text(text))
        assert told["token"] == "[redacted]"
        assert json.loads(told["a"]) == {"password": "[redacted]", "n": 1}

    @given(st.from_regex(r"[A-Za-z0-9._~/+-]{1,40}", fullmatch=True))
    def test_a_password_given_in_any_way_is_gone(self, password: str) -> None:
        secret = f"Qz{password}zQ"
        for form in [
            *("password={}", "PASSWORD: {}", "--password {} x", '"password": "{}"', "token='{}'"),
            *("h://u:{}@x" if "/" not in secret else "pwd={}", "Authorization: Basic {}"),
        ]:
            assert secret not in redact_text(form.format(secret))

    def test_what_one_secret_hid_of_another_goes_too(self) -> None:
        assert redact_text("h://a:token=b/c;hunter2@d") == "h://a:[redacted]@d"

    @given(texts)
    def test_to_redact_again_changes_nothing(self, text: str) -> None:
        once = redact_text(text)
        assert redact_text(once) == once

    @pytest.mark.parametrize(
        "piece",
        [
            *("a", "eyJ-", "eyJaaaa.", "-----BEGIN ", "://a:", "://a:b@", 'token="', "token=["),
            *("token={[\n", "token=)", "password: ,", "--token ", "-u a:", "Bearer ", "\\"),
        ],
    )
    def test_a_long_text_takes_time_by_its_length(self, piece: str) -> None:
        """Where a pattern looked again at what it had passed, this would take hours."""
        text = redact_text(piece * (300_000 // len(piece)))
        assert text[:40] == redact_text(piece * 200)[:40]


class TestCleanText:
    def test_a_text_that_fits_stays(self) -> None:
        assert clean_text("x" * 50, 50) == "x" * 50

    def test_a_longer_one_says_how_much_was_cut(self) -> None:
        assert clean_text("x" * 1050, 50) == "x" * 18 + "… [1032 characters cut]"

    @given(texts, st.integers(0, 60))
    def test_it_keeps_the_limit(self, text: str, limit: int) -> None:
        assert len(clean_text(text, limit)) <= limit

    @pytest.mark.parametrize("at", range(0, 125, 5))
    def test_no_secret_shows_because_it_was_cut(self, at: int) -> None:
        text = "." * at + f" redis://u:{'Hunter2' * 10}@h " + "." * 500
        assert "Hunter2" not in clean_text(text, 120)

    @pytest.mark.parametrize("at", range(120, 300, 5))
    def test_no_secret_shows_because_a_long_one_before_it_went(self, at: int) -> None:
        text = f"token={'x' * at} redis://u:{'Hunter2' * 10}@h " + "." * 500
        assert "Hunter2" not in clean_text(text, 120)

    def test_what_was_not_looked_at_is_counted_however_little_is_left(self) -> None:
        text = f"token={'x' * 300} the end"
        assert clean_text(text, 100) == "… [130 characters cut]"

    def test_what_no_database_takes_is_replaced(self) -> None:
        assert clean_text("a\0b\ud800c", 50) == "a�b�c"


class TestClean:
    def test_parameters_of_a_usual_call_stay(self) -> None:
        told = {"command": "ls -la", "timeout": 5, "background": False, "env": None}
        assert clean(told) == told

    def test_a_plan_stays(self) -> None:
        todos = [
            {"content": f"Step {n}: change it", "status": "pending", "activeForm": "Changing it"}
            for n in range(100)
        ]
        assert clean({"todos": todos}) == {"todos": todos}

    def test_long_strings_are_cut(self) -> None:
        told = clean({"content": "x" * 10_000, "path": "/a"})
        assert told["path"] == "/a"
        assert told["content"] == "x" * 3968 + "… [6032 characters cut]"

    def test_long_lists_and_dicts_are_cut_and_say_so(self) -> None:
        told = clean({"list": [1] * 700, "dict": {str(n): 1 for n in range(501)}})
        assert told["list"] == [1] * 500 + ["[200 more items were not kept]"]
        assert len(told["dict"]) == 501
        assert told["dict"]["[cut]"] == "1 more items were not kept"

    def test_deep_values_are_cut(self) -> None:
        deep: Any = 1
        for _ in range(900):
            deep = [deep]
        told = json.dumps(clean({"a": deep}))
        assert told.count("[") == 19 + 1
        assert "[nested too deep]" in told

    def test_many_long_strings_are_cut_shorter(self) -> None:
        told = clean({str(n): "x" * 5000 for n in range(20)})
        assert set(told.values()) == {"x" * 218 + "… [4782 characters cut]"}

    def test_what_does_not_fit_at_all_is_counted(self) -> None:
        told = clean({str(n): ["x" * 90] * 100 for n in range(100)})
        assert re.fullmatch(r"\d+ bytes of parameters were not kept", told["cut"])
        assert list(told) == ["cut"]

    def test_secrets_go(self) -> None:
        assert clean({"env": {"API_KEY": "x"}, "command": "TOKEN=x ls"}) == {
            "env": {"API_KEY": "[redacted]"},
            "command": "TOKEN=[redacted] ls",
        }

    def test_names_are_texts_and_numbers_are_finite(self) -> None:
        nan, infinity = float("nan"), float("inf")
        told = clean({1: nan, "i": [infinity, -infinity], "n": 10**30, "h": 1 << 20_000})  # type: ignore[dict-item]
        assert told == {
            "1": "nan",
            "i": ["inf", "-inf"],
            "n": 10**30,
            "h": "[a number of 20001 bits]",
        }

    def test_what_is_no_json_becomes_text(self) -> None:
        assert clean({"a": (1, 2), "b": b"x"}) == {"a": [1, 2], "b": "b'x'"}

    @given(st.dictionaries(st.text(st.characters(codec=None)), values, max_size=5))
    def test_it_is_small_plain_json(self, parameters: dict[str, Any]) -> None:
        kept = clean(parameters)
        assert len(json.dumps(kept, allow_nan=False)) <= MAX_BYTES
        assert b"\\u0000" not in json.dumps(kept, ensure_ascii=False).encode()
        assert clean(kept) == kept
