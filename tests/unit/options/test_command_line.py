"""The command line as results show it: as it could be typed again, but for its secrets."""

import shlex

import pytest

from loadlab.options.command_line import secrets_in, shown


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "pool"], "loadlab run pool"),
        (["run", "task", "--path", "/a b", "--quiet"], "loadlab run task --path '/a b' --quiet"),
        (["run", "--header", "Accept: */*"], "loadlab run --header 'Accept: */*'"),
        (["run", "--header=authorization: x"], "loadlab run '--header=authorization: ***'"),
        (["run", "--header", "Cookie:a=b"], "loadlab run --header 'Cookie: ***'"),
        (["run", "--header", "no colon"], "loadlab run --header '***'"),
        (["run", "--header", "@file"], "loadlab run --header @file"),
        (["run", "--header-env", "A=B"], "loadlab run --header-env A=B"),
        (
            ["run", "--header", "X-A: b", "--secret-header", "x-a"],
            "loadlab run --header 'X-A: ***' --secret-header x-a",
        ),
        (["run", "--body", "text"], "loadlab run --body '***'"),
        (["run", "--body", "text", "--keep-bodies"], "loadlab run --body text --keep-bodies"),
        (["run", "--body", "@file"], "loadlab run --body @file"),
        (["run", "--target", "u:p@host"], "loadlab run --target '***@host'"),
        (["run", "--target=http://u:p@host/?token=a"], "loadlab run '--target=http://***@host/?token=***'"),
        (
            ["run", "--path", "/?own=a&b=c", "--secret-query", "own"],
            "loadlab run --path '/?own=***&b=c' --secret-query own",
        ),
        (["run", "--before-each", "psql u:p@db"], "loadlab run --before-each '***'"),
        (["run", "--header"], "loadlab run --header"),
        (["run", "--out", "\udcff a'\\b\n\x1b\u202e"], r"loadlab run --out $'\xff a\'\\b\n\x1b\u202e'"),
    ],
)
def test_a_command_line_is_shown_without_its_secrets(words, line):
    assert shown(words) == line


def test_it_can_be_typed_again():
    words = ["run", "task", "--path", "/a'b\"c $d", "--think", "exp:2s"]
    assert shlex.split(shown(words)) == ["loadlab", *words]


@pytest.mark.parametrize(
    "words",
    [
        ["--header", "Authorization: Bearer hidden"],
        ["--header=X-Own: hidden", "--secret-header", "X-Own"],
        ["--body", "hidden"],
        ["--target", "http://user:hidden@host"],
        ["--target", "user:hidden@host"],
        ["--path", "/?token=hidden"],
        ["--path=/?own=hidden", "--secret-query=own"],
    ],
)
def test_what_stands_in_the_words_is_looked_for_in_what_ends_the_command(words):
    assert secrets_in(words).masked("why hidden?") == "why ***?"


def test_what_is_no_secret_is_not_looked_for():
    words = ["--header", "Accept: shown", "--body", "shown", "--keep-bodies", "--header", "@shown", "shown"]
    assert secrets_in(words).masked("why shown?") == "why shown?"


def test_words_that_are_no_text_are_looked_for_without_an_error():
    assert secrets_in(["--body", "\udcff\ud800abc"]).masked("x") == "x"
