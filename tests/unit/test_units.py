import pytest

from loadlab import units
from loadlab.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value_ns"),
    [
        ("10s", 10_000_000_000),
        ("10", 10_000_000_000),
        ("0", 0),
        ("0.5", 500_000_000),
        (".5s", 500_000_000),
        ("250ms", 250_000_000),
        ("250 ms", 250_000_000),
        (" 250MS ", 250_000_000),
        ("3us", 3_000),
        ("3µs", 3_000),
        ("7ns", 7),
        ("1.5m", 90_000_000_000),
        ("1h", 3_600_000_000_000),
    ],
)
def test_a_duration_is_read_with_its_unit_and_as_seconds_without_one(text, value_ns):
    assert units.duration_ns(text, "--duration") == value_ns


@pytest.mark.parametrize("text", ["", "s", "10x", "10 sec", "-1s", "1e3", "ten", "1.2.3s", "10s20ms", "inf"])
def test_what_is_no_duration_is_refused_with_the_option_and_an_example(text):
    with pytest.raises(UsageError, match=r"^--think: .*such as 10s or 250ms"):
        units.duration_ns(text, "--think")


@pytest.mark.parametrize("text", ["9999999999h", "1000000000000000000"])
def test_a_duration_beyond_any_run_is_refused(text):
    with pytest.raises(UsageError, match=r"^--duration: .* more than"):
        units.duration_ns(text, "--duration")


@pytest.mark.parametrize(("text", "value"), [("1", 1), (" 64 ", 64), ("007", 7)])
def test_a_whole_number_is_read(text, value):
    assert units.count(text, "--requests") == value


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "1e3", "9" * 19, "²"])
def test_what_is_no_whole_number_from_the_least_on_is_refused_with_the_option(text):
    with pytest.raises(UsageError, match=r"^--requests: .* is not a whole number of 1 or more"):
        units.count(text, "--requests")


def test_the_least_may_be_zero():
    assert units.count("0", "--seed", least=0) == 0


def test_a_list_of_whole_numbers_is_read():
    assert units.counts("1,8, 64", "--concurrency") == (1, 8, 64)


@pytest.mark.parametrize("text", ["", "1,", ",1", "1,,2", "1;2", "1,x"])
def test_a_list_with_a_hole_or_a_word_is_refused(text):
    with pytest.raises(UsageError, match=r"^--concurrency: "):
        units.counts(text, "--concurrency")


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (None, "–"),
        (0, "0 ns"),
        (999, "999 ns"),
        (999.6, "1.00 µs"),
        (1_000, "1.00 µs"),
        (12_345, "12.3 µs"),
        (999_999, "1.00 ms"),
        (100_400_000, "100 ms"),
        (9_994_000_000, "9.99 s"),
        (9_996_000_000, "10.0 s"),
        (1_234_000_000_000, "1,234 s"),
        (-1_500_000, "-1.50 ms"),
    ],
)
def test_a_span_is_written_with_three_figures_and_its_unit(value_ns, text):
    assert units.show_ns(value_ns) == text


@pytest.mark.parametrize(
    ("value_hz", "text"),
    [(None, "–"), (0.0, "0.00/s"), (0.0061, "0.006/s"), (79.84, "79.8/s"), (12_345.6, "12,346/s")],
)
def test_a_rate_is_written_per_second_and_never_with_an_exponent(value_hz, text):
    assert units.show_hz(value_hz) == text


@pytest.mark.parametrize(("text", "ratio"), [("1%", 0.01), (" 0.5 %", 0.005), ("0%", 0), ("100%", 1)])
def test_a_share_is_a_percentage(text, ratio):
    assert units.ratio(text, "--max-errors", instead="none") == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "1", "0.01", "-1%", "101%", "1e2%", "nan%", "all"])
def test_what_is_no_share_is_refused_with_what_could_stand_there(text):
    with pytest.raises(UsageError, match=r"^--max-errors: .*such as 1%, or none"):
        units.ratio(text, "--max-errors", instead="none")
