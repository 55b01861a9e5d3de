import pytest

from loadlab_target.cgroup import Cgroup, Usage


@pytest.fixture
def container(tmp_path):
    """Make a /proc/self and cgroup files as a kernel would show them."""

    def make(cgroup, mounts, files):
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / "cgroup").write_text(cgroup)
        lines = [
            f"30 20 0:26 {root} {tmp_path / where} rw,nosuid - {kind} cgroup rw,{options}\n"
            for root, where, kind, options in mounts
        ]
        (tmp_path / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + "".join(lines))
        return Cgroup(tmp_path)

    return make


V2 = [("/", "fs", "cgroup2", "nsdelegate")]
V2_FILES = {
    "fs/cgroup.type": "domain\n",
    "fs/cpu.stat": "usage_usec 1500000\nuser_usec 1\nnr_periods 40\nnr_throttled 3\nthrottled_usec 250000\n",
    "fs/cpu.max": "150000 100000\n",
    "fs/memory.current": "9000\n",
    "fs/memory.max": "16384\n",
    "fs/memory.stat": "anon 1\ninactive_file 1000\n",
}


def test_version_2_is_read(container):
    assert container("0::/\n", V2, V2_FILES).read() == Usage(
        cpu_s=1.5,
        cpu_limit_cores=1.5,
        throttled_s=0.25,
        throttled_periods=3,
        memory_bytes=8000,
        memory_limit_bytes=16384,
    )


def test_no_limit_is_no_number(container):
    usage = container(
        "0::/\n", V2, V2_FILES | {"fs/cpu.max": "max 100000\n", "fs/memory.max": "max\n"}
    ).read()
    assert (usage.cpu_limit_cores, usage.memory_limit_bytes) == (None, None)
    assert usage.cpu_s == 1.5


def test_what_a_kernel_does_not_tell_is_none(container):
    assert container("0::/\n", V2, {"fs/cgroup.type": "domain\n", "fs/memory.current": "?"}).read() == Usage()


def test_the_root_of_a_host_is_not_a_container(container):
    files = {name: text for name, text in V2_FILES.items() if name != "fs/cgroup.type"}
    assert container("0::/\n", V2, files).read() == Usage()


def test_a_session_on_a_host_is_not_a_container(container):
    assert container("0::/user.slice/session-1.scope\n", V2, V2_FILES).read() == Usage()


V1 = [
    ("/docker/abc", "cpu", "cgroup", "cpu,cpuacct"),
    ("/docker/abc", "mem", "cgroup", "memory"),
]
V1_CGROUP = "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n"
V1_FILES = {
    "cpu/cpuacct.usage": "2500000000\n",
    "cpu/cpu.cfs_quota_us": "50000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
    "cpu/cpu.stat": "nr_periods 9\nnr_throttled 2\nthrottled_time 500000000\n",
    "mem/memory.usage_in_bytes": "5000\n",
    "mem/memory.limit_in_bytes": "65536\n",
    "mem/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
}


def test_version_1_is_read(container):
    assert container(V1_CGROUP, V1, V1_FILES).read() == Usage(
        cpu_s=2.5,
        cpu_limit_cores=0.5,
        throttled_s=0.5,
        throttled_periods=2,
        memory_bytes=4500,
        memory_limit_bytes=65536,
    )


def test_no_limit_in_version_1_is_no_number(container):
    files = V1_FILES | {"cpu/cpu.cfs_quota_us": "-1\n", "mem/memory.limit_in_bytes": "9223372036854771712\n"}
    usage = container(V1_CGROUP, V1, files).read()
    assert (usage.cpu_limit_cores, usage.memory_limit_bytes) == (None, None)


def test_a_controller_at_the_root_of_its_host_is_left_out_alone(container):
    mounts = [("/", "cpu", "cgroup", "cpu,cpuacct"), V1[1]]
    cgroup = "5:memory:/docker/abc\n4:cpu,cpuacct:/\n"
    usage = container(cgroup, mounts, V1_FILES | {"cpu/release_agent": "\n"}).read()
    assert (usage.cpu_s, usage.memory_bytes) == (None, 4500)


def test_a_hybrid_system_is_read_as_version_1(container):
    mounts = [*V1, ("/docker/abc", "fs", "cgroup2", "nsdelegate")]
    usage = container(V1_CGROUP.replace("0::/\n", "0::/docker/abc\n"), mounts, V1_FILES | V2_FILES).read()
    assert (usage.cpu_s, usage.memory_bytes) == (2.5, 4500)


def test_without_proc_there_is_nothing_to_read(tmp_path):
    assert Cgroup(tmp_path / "none").read() == Usage()
