# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""README's Python examples, run as they stand, by a partner and by the table of a live enclave."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "integration"))

from harness.enclave import Enclave, Running, make_enclave, start  # noqa: E402

pytestmark = pytest.mark.nats
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def enclave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    """What an operator hands out: the configurations stand where the examples look for them."""
    made = make_enclave(tmp_path_factory.mktemp("readme") / "e", "ncsc", "tafel", witnesses=True)
    made.start()
    witness = start("witness", made.config("ncsc-witness"))
    witness.wait_for("stdout", "witnessing")
    yield made
    Running.end_all()
    made.stop()


def run(code: str, folder: Path) -> list[str]:
    """Run a program in a folder; what it prints."""
    (folder / "example.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_the_examples_publish_and_read(enclave: Enclave) -> None:
    publish, read = EXAMPLES
    (answer,) = run(publish, enclave.path)
    assert re.fullmatch(r"admitted depv/process \d+", answer)
    line, status = run(read, enclave.path)
    assert line == f"ncsc depv/process {answer.split()[-1]} Nagemaakte stempas in omloop"
    assert status in ("pending", "audited")
