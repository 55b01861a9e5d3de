"""What people read is plain: no long sentence, and none of the words that make a reader stop."""

import tomllib
from collections import Counter

import pytest
from words import (
    LIMIT,
    ROOT,
    WORDS,
    all_findings,
    exceptions,
    files,
    findings,
    html,
    javascript,
    judged,
    paragraphs,
    python,
    script,
    sentences,
)

LEFT = tomllib.loads((ROOT / "tests" / "words.toml").read_text())["left"]
LONG = "Word " + "word " * (LIMIT - 1) + "more."


def texts(found):
    return [text for _, text in found]


@pytest.fixture(scope="module")
def found():
    return all_findings()


def test_no_folder_has_more_sentences_to_rewrite_than_are_still_listed(found):
    counted = Counter(each.folder for each in found)
    more = {folder: number for folder, number in counted.items() if number > LEFT.get(folder, 0)}
    assert not more, [each for each in found if each.folder in more]


def test_every_exception_is_still_needed():
    everything = [each.sentence for path in files() for each in findings(path)]
    assert [start for start in exceptions() if not any(each.startswith(start) for each in everything)] == []


@pytest.mark.parametrize(
    "name", ["README.md", "docs/method.md", ".ci/run", "client/loadlab/agent/page/index.html"]
)
def test_what_people_read_is_read(name):
    assert ROOT / name in files()


@pytest.mark.parametrize("word", WORDS)
def test_each_of_the_words_is_found_whole_and_in_any_case(word):
    assert [each.what for each in judged("page", 1, f"{word.capitalize()} it is.")] == [word]
    assert not list(judged("page", 1, f"x{word}x, and `{word}` in code."))


def test_a_sentence_is_too_long_from_one_word_over_the_limit_on():
    assert [each.what for each in judged("page", 7, f"A short one. {LONG}")] == ["31 words"]
    assert not list(judged("page", 7, LONG.removeprefix("Word ").capitalize()))


def test_a_sentence_ends_at_its_full_stop_and_not_within_a_number_or_code():
    text = "At 1.5 s, e.g. `a. B c` ends. Then [a link](https://a.b/c.D) follows! Is it? (Yes.) `x` ends."
    assert list(sentences(text)) == [
        "At 1.5 s, e.g. `code` ends",
        "Then [a link] follows",
        "Is it",
        "(Yes",
        "`code` ends.",
    ]


def test_markdown_is_read_by_paragraph_item_and_cell_without_blocks_of_code():
    page = "# Title\n\nOne\ntwo.\n- item\n  goes on\n- next\n\n| a | b |\n\n```\n# nobody\n| x |\n```\nend\n"
    assert list(paragraphs(page)) == [
        (1, "Title"),
        (3, "One two."),
        (5, "item goes on"),
        (7, "next"),
        *((9, cell) for cell in ("", " a ", " b ", "")),
        (15, "end"),
    ]


def test_python_is_read_in_docstrings_comments_and_where_shown_in_strings():
    source = '"""Doc."""\n# one\n# two\nx = f"at {y} ms " "late"\nZ = 1\n"""Of Z."""\nz = "said"  # beside\n'
    assert sorted(texts(python(source, shown=True))) == [
        "Doc.", "Of Z.", "at X ms late", "beside", "one two", "said"
    ]  # fmt: skip
    assert sorted(texts(python(source, shown=False))) == ["Doc.", "Of Z.", "beside", "one two"]


def test_the_page_is_read_in_its_comments_strings_and_elements():
    module = '// one\n// two\nconst a = `at ${b.c} ms`; // end\n/** Doc\n * goes on. */\nf("https://a")\n'
    assert texts(javascript(module)) == ["one two", "end", "at X ms", "Doc goes on.", "https://a"]
    assert [
        text.strip() for text in texts(html('<p title="A title">Press <b>Start</b> now.</p><p>Then</p>'))
    ] == [
        "A title",
        "Press Start now.",
        "Then",
    ]


def test_scripts_are_read_in_their_comments():
    assert texts(script("#!/bin/sh\n# one\n# two\nrun ${a#b} # end\n")) == ["one two", "end"]
