"""The workers' metrics, merged from the files that they keep."""

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from loadlab_target.exposition import WorkerMetrics


def kept_by(folder, pid, value):
    """Keep a counter as a worker does."""
    kept = MmapedDict(str(folder / f"counter_{pid}.db"))
    kept.write_value(mmap_key("requests", "requests_total", [], [], "Requests."), value, 0.0)
    kept.close()


def told(folder):
    return {sample.name: sample.value for each in WorkerMetrics(folder).collect() for sample in each.samples}


def test_the_counters_of_all_workers_are_summed(tmp_path):
    kept_by(tmp_path, 1, 2.0)
    kept_by(tmp_path, 2, 5.0)
    assert told(tmp_path) == {"requests_total": 7.0}


def test_a_file_that_a_worker_is_just_making_is_empty_and_hides_no_other(tmp_path):
    """However long the worker waits for a core between making it and writing to it."""
    kept_by(tmp_path, 1, 2.0)
    (tmp_path / "counter_2.db").touch()
    assert told(tmp_path) == {"requests_total": 2.0}


def test_a_gauge_whose_worker_is_gone_by_the_time_it_is_read_hides_no_other(tmp_path):
    kept_by(tmp_path, 1, 2.0)
    (tmp_path / "gauge_livesum_2.db").symlink_to(tmp_path / "gone")
    assert told(tmp_path) == {"requests_total": 2.0}
