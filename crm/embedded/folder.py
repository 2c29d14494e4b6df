"""The data folder of one stack (`CRM_VAR`): what lies where, and what is made once and kept."""

import contextlib
import hashlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

LONGEST_SOCKET_PATH = 107  # sun_path of Linux, without its closing NUL
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"


@dataclass(frozen=True)
class DataFolder:
    """Every path below the data folder. Two stacks with two folders share nothing."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def sockets(self) -> Path:
        """
        Where the Unix sockets are: in the folder, or, where that path is too long for a
        socket, in a short folder of this user named after the long one.
        """
        near = self.root / "run"
        if len(os.fsencode(near)) + len(LONGEST_SOCKET_NAME) <= LONGEST_SOCKET_PATH:
            return near
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"crm-{os.getuid()}-{digest}"

    @property
    def broker_socket(self) -> Path:
        return self.sockets / "broker.sock"

    @property
    def cache_socket(self) -> Path:
        return self.sockets / "cache.sock"

    @property
    def broker_url(self) -> str:
        return f"unix://{self.broker_socket}?db=0"

    @property
    def cache_url(self) -> str:
        return f"unix://{self.cache_socket}?db=0"

    @property
    def database_url(self) -> str:
        return f"postgresql://crm@/crm?host={self.sockets}"

    def make(self) -> None:
        """
        Make the folders, open to this user alone.

        :raises SystemExit: if somebody else owns the folder of the sockets.
        """
        for path in (self.root, self.logs, self.static, self.sockets):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = self.sockets.lstat()
        mine = seen.st_uid == os.getuid() or os.getuid() == 0
        if not stat.S_ISDIR(seen.st_mode) or not mine:
            raise SystemExit(f"{self.sockets} belongs to somebody else; choose a shorter CRM_VAR.")

    def secret(self, name: str) -> str:
        """Return the secret of that name, made at random on first use and readable by us alone."""
        path = self.root / f"{name}.secret"
        if not path.exists():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_name(f".{name}.{os.getpid()}.new")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48))
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)  # the first of two at once wins, and both read the winner's
            fresh.unlink()
        return path.read_text()
