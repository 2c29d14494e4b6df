"""Starting children that die with us, and, as root, a PostgreSQL that is not root."""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import signal
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522

Account = pwd.struct_passwd

_libc = ctypes.CDLL(None, use_errno=True)


def package(name: str) -> Path:
    """
    Return the folder of an installed package without importing it: of these we want the
    programs inside, not what their Python does on import.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The package {name} is not installed; run script/setup.")
    return Path(spec.origin).parent


def unprivileged_account() -> Account | None:
    """
    Return the account PostgreSQL runs as: None, meaning ours, unless we are root, whom
    PostgreSQL refuses.

    :raises SystemExit: if we are root and the machine has no account to use.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit(
        "PostgreSQL does not run as root, and there is no account nobody to run it as."
    )


def _become(account: Account) -> None:
    """
    Turn this process into the account, keeping only the right to pass closed folders.

    The programs and the data may lie below a folder that only root may enter, such as
    /root. Opening those folders to all would outlive us; this right dies with the process.
    """
    # Without this access(2), which PostgreSQL asks first, would look at the account alone.
    keeps_all = _libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    rights = 1 << CAP_DAC_OVERRIDE
    header = struct.pack("Ii", LINUX_CAPABILITY_VERSION_3, 0)
    dropped = _libc.capset(header, struct.pack("6I", rights, rights, rights, 0, 0, 0)) == 0
    if keeps_all and not dropped:
        os._exit(1)  # rather no PostgreSQL than one with every right
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def prepare(*, dies_with: signal.Signals | None, account: Account | None) -> Callable[[], None]:
    """Return what a child does to itself before it becomes the program."""
    parent = os.getpid()

    def in_child() -> None:
        if account is not None:
            _become(account)
        if dies_with is not None and hasattr(_libc, "prctl"):
            _libc.prctl(PR_SET_PDEATHSIG, dies_with, 0, 0, 0)
            if os.getppid() != parent:  # we died before it could ask
                os._exit(1)

    return in_child


def start(
    command: Sequence[str | os.PathLike[str]],
    *,
    log: IO[bytes] | int,
    dies_with: signal.Signals | None = None,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, its output going to `log`."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
        preexec_fn=prepare(dies_with=dies_with, account=account),
    )


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    account: Account | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it said."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        preexec_fn=prepare(dies_with=signal.SIGTERM, account=account),
    )


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def signal_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to a child and all it started, even where the child itself is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def alive(pid: int) -> bool:
    """Whether a process of that number exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    return state not in "ZX"
