import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab_target.quantities import QuantityError, parse_duration_s, parse_ratio, parse_size_bytes


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("50ms", 0.05), ("1.5s", 1.5), ("200us", 0.0002), ("0", 0.0), ("0s", 0.0), ("10s", 10.0)],
)
def test_a_duration_is_read_in_seconds(text, duration_s):
    assert parse_duration_s(text, ceiling_s=10) == pytest.approx(duration_s)


@pytest.mark.parametrize(
    "text", ["", "5", "ms", "-5ms", "5 ms", "5min", "1e3s", "nan", "\u0665ms", "5ms\n", "10.001s"]
)
def test_what_is_no_duration_or_too_long_is_refused(text):
    with pytest.raises(QuantityError):
        parse_duration_s(text, ceiling_s=10)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("0", 0), ("512", 512), ("7B", 7), ("64KiB", 65536), ("1.5kB", 1500), ("1MiB", 2**20)],
)
def test_a_size_is_read_in_bytes(text, size_bytes):
    assert parse_size_bytes(text, ceiling_bytes=2**20) == size_bytes


@pytest.mark.parametrize("text", ["", "-1", "64kib", "1GB", "1048577", "KiB", "1,5kB"])
def test_what_is_no_size_or_too_large_is_refused(text):
    with pytest.raises(QuantityError):
        parse_size_bytes(text, ceiling_bytes=2**20)


@pytest.mark.parametrize("text", ["", "1.1", "-0.1", "50%", "1s", "nan"])
def test_what_is_no_ratio_is_refused(text):
    with pytest.raises(QuantityError):
        parse_ratio(text)


@given(st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3})?(us|ms|s)", fullmatch=True))
def test_a_number_with_a_unit_is_read_or_over_the_ceiling(text):
    try:
        duration_s = parse_duration_s(text, ceiling_s=60)
    except QuantityError:
        duration_s = parse_duration_s(text, ceiling_s=1e6)
        assert duration_s > 60
    else:
        assert 0 <= duration_s <= 60


@given(st.text(alphabet=st.characters(exclude_categories=["Nd"]), max_size=20))
def test_text_without_a_number_is_refused_with_itself(text):
    with pytest.raises(QuantityError) as refusal:
        parse_duration_s(text, ceiling_s=60)
    assert repr(text) in str(refusal.value)
