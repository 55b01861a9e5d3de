"""Lines from pieces that are cut anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from loadlab.remote.lines import Lines


@given(st.lists(st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"")), max_size=5), st.data())
def test_lines_are_whole_wherever_they_were_cut(written, data):
    text = b"".join(line + b"\n" for line in written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    lines, heard = Lines(), []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        heard += lines.feed(text[start:end])
    assert heard == written


def test_a_line_that_has_no_end_yet_is_kept_back():
    lines = Lines()
    assert lines.feed(b"half") == []
    assert lines.feed(b" a line\nand") == [b"half a line"]
