"""The fields of a page's forms."""

from loadlab.journeys.forms import fields


def test_hidden_inputs_and_meta_tags_are_found_by_name():
    page = """<html><head><meta name="csrf-token" content="m1"></head>
      <form><INPUT type=hidden value='a&amp;b' name="csrf"><input name=plain></form>"""
    assert fields(page) == {"csrf-token": "m1", "csrf": "a&b", "plain": ""}


def test_the_first_of_several_fields_of_one_name_counts():
    assert fields("<input name=a value=1><input name=a value=2>") == {"a": "1"}


def test_what_has_no_name_or_is_no_field_is_passed_over():
    assert fields("<input value=1><inputs name=a value=2><p>name=a</p><meta charset=utf-8>") == {}


def test_a_tag_that_goes_over_lines_is_read():
    assert fields('<input\n  name="csrf"\n  value="x y"\n/>') == {"csrf": "x y"}
