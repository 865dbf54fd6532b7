import pytest

from docsviewer.wording import entries, plain, slug, title


class TestTitle:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("# A guide\n\ntext", "A guide"),
            ("\n\nWords before.\n\n# The `serve` *command* ##\n", "The serve command"),
            ("# See [this](other.md)", "See this"),
            ("Set\n=====\n", "Set"),
            ("---\ntitle: 'Told above'\n---\n# Below", "Told above"),
            ("---\nauthor: x\n---\n# Below", "Below"),
            ("---\nnever closed\n# Title", "Title"),
            ("## Only a part", ""),
            ("```sh\n# a comment\n```\n", ""),
            ("", ""),
            ("# \u202eevil\x07", "\\u202eevil\\u0007"),
        ],
    )
    def test_it_is_what_the_text_calls_itself(self, text: str, told: str) -> None:
        assert title(text) == told


class TestPlain:
    def test_it_is_one_line_in_which_nothing_is_hidden(self) -> None:
        assert plain(" a\n\tb \u202e<c> \u2066d") == "a b \\u202e<c> \\u2066d"

    def test_it_is_short(self) -> None:
        assert len(plain("x" * 1_000)) == 200


class TestSlug:
    def test_it_is_spelt_as_elsewhere_on_the_web(self) -> None:
        assert slug("Importing a `usage.json`, étape 2!") == "importing-a-usagejson-étape-2"


class TestEntries:
    def test_what_is_indented_belongs_to_the_name_above(self) -> None:
        text = 'title: "A: b"\n# no\ntags:\n  - x\n- y\nurl: https://a.example\nempty:\n'
        assert entries(text) == (
            ("title", "A: b"),
            ("tags", "x, y"),
            ("url", "https://a.example"),
            ("empty", ""),
        )

    def test_lines_that_belong_to_nothing_are_left(self) -> None:
        assert entries("- x\n\n!!python/object\n") == ()
