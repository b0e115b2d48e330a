"""What a whole process takes: wall seconds, CPU seconds and peak anonymous memory, of it and its children."""

import contextlib
import dataclasses
import os
import resource
import subprocess
import tempfile
import threading
import time
from pathlib import Path

SAMPLE_S = 0.02


@dataclasses.dataclass(frozen=True)
class Taken:
    """Figures of one run.

    Parameters
    ----------
    wall_s, cpu_s : float
    anon_mb : float
        Peak of the sampled sum of RssAnon and RssShmem over the process and its descendants [MB].
    exit_code : int
        Negative: the signal that ended it.
    error : str
        Last line on its standard error.
    """

    wall_s: float
    cpu_s: float
    anon_mb: float
    exit_code: int
    error: str = ""


def measure(command, *, prepare=None):
    """Run a command to its end.

    Parameters
    ----------
    command : list of str
    prepare : callable, optional
        Called in the new process before the command starts, of `memory_limit`.

    Returns
    -------
    Taken
    """
    peak, done = [0.0], threading.Event()
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=prepare)
        sampler = threading.Thread(target=_sample, args=(process.pid, peak, done))
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        sampler.join()
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    failed = last if process.returncode else ""
    return Taken(wall, usage.ru_utime + usage.ru_stime, peak[0] / 1e6, process.returncode, failed)


def _sample(pid, peak, done):
    while not done.wait(SAMPLE_S):
        peak[0] = max(peak[0], sum(map(_anonymous, _family(pid))))


def _family(pid):
    """A process and its descendants."""
    yield pid
    with contextlib.suppress(OSError):  # ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _anonymous(pid):
    """Bytes of anonymous and shared memory of a process, 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines)
    return sum(int(fields.get(name, "0 kB").split()[0]) * 1024 for name in ("RssAnon", "RssShmem"))


@contextlib.contextmanager
def memory_limit(size):
    """Yield how memory is held to `size` bytes, in words, and what `measure` needs for it.

    A control group counts what the kernel counts, page cache included but given back under pressure. Where none can be
    made, RLIMIT_DATA bounds the private writable memory that a process has mapped, used or not.
    """
    if size is None:
        yield "none", None
        return
    group = None
    with contextlib.suppress(OSError):
        group = _control_group(size)
    if group is None:
        yield "RLIMIT_DATA", lambda: resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        return
    try:
        yield "control group", lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        group.rmdir()


def _control_group(size):
    """Make a control group below our own."""
    entries = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    # Version 1 has a hierarchy for memory, version 2 one for everything.
    for controllers, root, limit in (("memory", "memory", "memory.limit_in_bytes"), ("", "", "memory.max")):
        for _, names, path in entries:
            parent = Path("/sys/fs/cgroup", root, path.strip("/"))
            if controllers in names.split(",") and (parent / "cgroup.procs").exists():
                group = Path(tempfile.mkdtemp(prefix="darkvoyage_bench_", dir=parent))
                try:
                    (group / limit).write_text(str(size))
                except OSError:
                    group.rmdir()
                    continue
                return group
    return None
