"""The engine's statistics, as two generations of cgroups give them."""

import copy

import pytest

from loadlab.stack.stats import Frame

# Engine 20.10, cgroup v1; what is not read is left out.
V1 = {
    "read": "2026-11-23T15:45:12.361363948Z",
    "preread": "0001-01-01T00:00:00Z",
    "cpu_stats": {
        "cpu_usage": {"total_usage": 5972722650, "percpu_usage": [2601953951, 3370768699]},
        "system_cpu_usage": 6137900000000,
        "online_cpus": 2,
        "throttling_data": {"periods": 11, "throttled_periods": 4, "throttled_time": 320000000},
    },
    "memory_stats": {
        "usage": 46583808,
        "max_usage": 209096704,
        "stats": {"inactive_file": 4096, "total_inactive_file": 7450624, "total_rss": 159744},
        "limit": 1073741824,
    },
}
# Engine 24, cgroup v2.
V2 = {
    "read": "2026-11-23T15:45:12.5Z",
    "cpu_stats": {
        "cpu_usage": {"total_usage": 812345000, "usage_in_kernelmode": 1000, "usage_in_usermode": 811345000},
        "online_cpus": 2,
        "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
    },
    "memory_stats": {
        "usage": 30000000,
        "stats": {"anon": 20000000, "inactive_file": 6000000},
        "limit": 1073741824,
    },
}
# A container that has exited, on either.
EXITED = {
    "read": "0001-01-01T00:00:00Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 0}, "throttling_data": {"throttled_time": 0}},
    "memory_stats": {},
}


def test_cgroup_v1_counts_the_children_in():
    frame = Frame.of(V1)
    assert frame.cpu_ns == 5_972_722_650
    assert frame.throttled_ns == 320_000_000
    assert frame.memory_bytes == 46583808 - 7450624


def test_cgroup_v2():
    frame = Frame.of(V2)
    assert (frame.cpu_ns, frame.throttled_ns, frame.memory_bytes) == (812_345_000, 0, 24_000_000)


def test_moments_keep_their_nanoseconds():
    assert Frame.of(V1).at_ns % 1_000_000_000 == 361_363_948
    assert Frame.of(V2).at_ns - Frame.of(V1).at_ns == 500_000_000 - 361_363_948


def test_a_cache_larger_than_the_usage_is_not_taken_off():
    odd = copy.deepcopy(V2)
    odd["memory_stats"]["stats"]["inactive_file"] = 99_000_000
    assert Frame.of(odd).memory_bytes == 30_000_000


@pytest.mark.parametrize("stats", [EXITED, {}, {"read": "soon", "cpu_stats": {}, "memory_stats": {}}])
def test_a_container_that_does_not_run_has_no_frame(stats):
    assert Frame.of(stats) is None
