# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every command of the certificates' runbook, run as it stands and in its order, on live enclaves."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "integration"))

from harness.enclave import run, run_broker_command  # noqa: E402
from harness.runbook import Folder, blocks, opened  # noqa: E402

pytestmark = pytest.mark.nats
TEXT = (ROOT / "docs" / "runbooks" / "certificates.md").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """With what its readers have: a passphrase, and a server's certificate that was bought."""
    assert run_broker_command("trial-pki", "new", tmp_path / "bought").status == 0
    server = run_broker_command("trial-pki", "server", tmp_path / "bought", "--name", "nats.trial.example")
    assert server.status == 0, server
    for name in ("server.crt", "server.key", "ca.pem"):
        shutil.copy(tmp_path / "bought" / name, tmp_path / name)
    with opened(tmp_path) as made:
        yield made


def test_every_command_of_the_certificates_runbook(folder: Folder) -> None:
    shown = re.findall(r"^    ((?:seinpost|seinpost-broker) .*)$", TEXT, re.MULTILINE)
    printed = {line: folder.run(line) for line in shown}
    assert folder.ran == shown
    assert len(shown) >= 6

    subject = "SERIALNUMBER=00000099000000099000,CN=TRIAL RvIG,O=TRIAL RvIG,C=NL"
    assert f'certificate = "{subject}"' in next(
        out for line, out in printed.items() if "register cert" in line
    )
    request = (folder.path / "rvig-1.key.request.json").read_text()
    assert subject in request
    assert folder.enclave is not None
    done = run("watch", "--config", folder.enclave.config("ncsc"), "--idle", "1")
    assert done.status == 0, done
    # The table that an enclave gets later is the one that init writes, but for where the files are.
    (table,) = (b for b in blocks(TEXT) if b[:1] == ["# in E/broker.toml"])
    written = (folder.path / "E" / "broker.toml").read_text()
    written = re.sub(r'"[^"]*/(server\.(?:crt|key))"', r'"\1"', written)
    assert "\n".join(table[1:]) in written
