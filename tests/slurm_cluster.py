"""A real Slurm of one node, for tests and benchmarks: munged, slurmctld and slurmd of its own.

    python tests/slurm_cluster.py FOLDER

starts one below FOLDER, prints the variable that Slurm's commands need, and runs until Ctrl-C.
It needs root and Debian's packages munge, slurmctld, slurmd and slurm-client.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
NODE = "node1"
_ROOT_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_START_S = 30.0
# A second partition whose jobs go first and end those of the usual one.
_CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
JobAcctGatherType=jobacct_gather/linux
MpiDefault=none
ReturnToService=2
MailProg=/bin/true
KillWait=5
SlurmctldParameters=enable_configless
SlurmdParameters=config_overrides
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 State=UNKNOWN
PartitionName=usual Nodes={node} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={node} MaxTime=INFINITE State=UP PriorityTier=9
PartitionName=short Nodes={node} MaxTime=1 State=UP PriorityTier=1
"""


def why_not() -> str:
    """Return why no cluster can be started here, and what to do; empty if one can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_ROOT_PATH) is None]
    if missing:
        packages = "munge slurmctld slurmd slurm-client"
        return f"no Slurm here ({', '.join(missing)} missing): apt-get install {packages}"
    return "" if os.getuid() == 0 else "a Slurm for tests is started by root"


class Cluster:
    """A cluster in a folder of its own; its daemons are this process' children.

    Args:
        folder: A new folder with an absolute path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all three daemons, and wait until the node takes jobs."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as two:
            ports = {"control_port": one.getsockname()[1], "node_port": two.getsockname()[1]}
        host = socket.gethostname().partition(".")[0]
        text = _CONFIG.format(folder=self.folder, host=host, node=NODE, **ports)
        self.config.write_text(text, encoding="utf-8")
        self._start_munge()
        self.start_controller()
        self.start_node()
        _until(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), "the node")

    def stop(self) -> None:
        """End the daemons, the last first; the jobs' processes end with the node's."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.ask("scancel", f"--user={os.getuid()}")
            _until(lambda: not self.ask("squeue", "--noheader"), "the jobs' end")
        for name in reversed(list(self._daemons)):
            self.end(name)

    def start_controller(self) -> None:
        """Start slurmctld, after an `end` with what it has saved."""
        self._start("slurmctld", "-D", "-f", str(self.config))
        _until(lambda: "UP" in self.ask("scontrol", "ping"), "slurmctld")

    def start_node(self) -> None:
        """Start slurmd."""
        self._start("slurmd", "-D", "-N", NODE, "-f", str(self.config))

    def end(self, name: str) -> None:
        """End one daemon by its process, if it runs."""
        daemon = self._daemons.pop(name, None)
        if daemon is not None:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def ask(self, command: str, *arguments: str) -> str:
        """Run one of Slurm's commands and return what it printed."""
        done = subprocess.run(
            [command, *arguments], env=self.environment(), capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the variables that Slurm's commands need to find this cluster."""
        return {"PATH": _ROOT_PATH, "SLURM_CONF": str(self.config)}

    def _start_munge(self) -> None:
        names = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log"}
        options = [f"--{option}={self.folder}/munge.{name}" for option, name in names.items()]
        options.append(f"--seed-file={self.folder}/munge.seed")
        self._start("munged", "--foreground", "--force", "--num-threads=2", *options)
        _until((self.folder / "munge.socket").exists, "munged")

    def _start(self, name: str, *arguments: str) -> None:
        program = shutil.which(name, path=_ROOT_PATH)
        assert program is not None
        with (self.folder / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen(
                [program, *arguments], env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _START_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come")
        time.sleep(0.05)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Run a cluster below a new folder."""
    made = Cluster(folder.resolve())
    try:
        made.start()
        yield made
    finally:
        made.stop()


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # also in a shell's background
        signal.signal(number, signal.default_int_handler)
    with cluster(Path(sys.argv[1])) as running:
        print(f"export SLURM_CONF={running.config}", flush=True)  # noqa: T201 (its purpose)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
