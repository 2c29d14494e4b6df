import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded.stack import Stack


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that was started once and ended in good order."""
    folder = tmp_path_factory.mktemp("made") / "var"
    stack = Stack(folder).start().wait_until_ready()
    stack.stop()
    return folder


@pytest.fixture
def new_stack(made_folder: Path, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make stacks, each on a copy of the folder made before; end them afterwards."""
    stacks: list[Stack] = []

    def make(name: str = "var", **environment: str) -> Stack:
        folder = tmp_path / name
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", str(made_folder), str(folder)], check=True)
        stacks.append(Stack(folder, **environment))
        return stacks[-1]

    yield make
    for stack in stacks:
        stack.stop()
