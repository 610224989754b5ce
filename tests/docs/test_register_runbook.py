# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every command of the registers' and partner's runbooks, run as it stands and in its order, on a live enclave."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "integration"))

from harness.enclave import run, run_broker_command  # noqa: E402
from harness.runbook import Folder, blocks, opened  # noqa: E402
from harness.samples import table  # noqa: E402

pytestmark = pytest.mark.nats
RUNBOOKS = ROOT / "docs" / "runbooks"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with opened(tmp_path) as made:
        yield made


def insert(draft: Path, where: str, lines: list[str]) -> None:
    """What a registrar does in an editor."""
    text = draft.read_text()
    mandate = "\n" + "\n".join(lines).strip() + "\n"
    if where == "at the end":
        draft.write_text(text + mandate)
        return
    before, kiesraad, after = text.partition('token = "kiesraad"')
    assert (where, bool(kiesraad)) == ("below the Kiesraad's last mandate", True)
    own, following, rest = after.partition("[[parties]]")
    draft.write_text(before + kiesraad + own.rstrip() + "\n" + mandate + "\n" + following + rest)


def test_every_command_of_the_registers_runbook(folder: Folder) -> None:
    text = (RUNBOOKS / "register.md").read_text()
    printed: dict[str, str] = {}
    for block in blocks(text):
        place = re.fullmatch(r"# in (\S+), (.+)", block[0])
        lines = block
        if place:
            end = next((n for n, x in enumerate(block) if x.startswith("seinpost")), len(block))
            insert(folder.path / place[1], place[2], block[1:end])
            lines = block[end:]
        for line in lines:
            if line.strip():
                printed[line] = folder.run(line)
    shown = re.findall(r"^    ((?:seinpost|seinpost-broker) .*)$", text, re.MULTILINE)
    assert folder.ran == shown
    assert len(shown) > 35

    differences = [out for line, out in printed.items() if " diff " in line]
    assert "treedt toe: OIN 00000099000000099000" in differences[0]
    assert "mag: rapporteren aan het vertegenwoordigend orgaan" in differences[1]
    assert "nctv-1 mag niet langer tekenen" in differences[2]
    explained = next(out for line, out in printed.items() if "--at" in line)
    assert (
        "MAG rapporteren aan het vertegenwoordigend orgaan over het verkiezingsproces (Ongerubriceerd)"
        in explained
    )
    assert "ncsc-1 (Nationaal Cyber Security Centrum (ncsc)) is ingetrokken" in list(printed.values())[-1]
    assert all("is in force" in out for line, out in printed.items() if "publish" in line)

    # What the runbook promises is so: the new ones are in, the revoked one is out.
    for party, name in (("rvig", "rvig-1"), ("ncsc", "ncsc-2")):
        done = run("watch", "--config", configured(folder, party, name), "--idle", "1")
        assert done.status == 0, done
    assert folder.enclave is not None
    for party in ("ncsc", "om"):
        assert run("watch", "--config", folder.enclave.config(party), "--idle", "1").status == 1


def configured(folder: Folder, party: str, name: str) -> Path:
    """The configuration that partner.md has a partner write."""
    assert folder.enclave is not None
    text = (RUNBOOKS / "partner.md").read_text()
    (block,) = (b for b in blocks(text) if b[0].startswith("enclave = "))
    enclave_id, _ = folder.enclave.directory.load_founding()
    lines = "\n".join(block).replace("00112233445566778899aabbccddeeff", enclave_id.hex())
    lines = lines.replace("ncsc-2", name).replace('"ncsc"', f'"{party}"').replace("4222", str(folder.port))
    path = folder.path / f"{name}.toml"
    path.write_text(lines + '\npassphrase_file = "pass.txt"\n')
    return path


def test_every_command_of_the_partners_first_day(folder: Folder) -> None:
    """With the passphrase from a file, and a registrar and operator at the other end of the line."""
    folder.run("seinpost-broker init E --enclave proef --no-witnesses")
    folder.run("seinpost-broker run E")
    commands = re.findall(r"^    (seinpost .*)$", (RUNBOOKS / "partner.md").read_text(), re.MULTILINE)
    keygen, watch, publish = commands
    folder.run(f"{keygen} --passphrase-file pass.txt")
    request = "ncsc-2.key.request.json"
    folder.run("seinpost register new r.toml --from E/register.note")
    wrong = run(
        "register", "add", folder.path / request, "--to", folder.path / "r.toml", "--fingerprint", "00" * 32
    )
    assert (wrong.status, "not that of this request" in wrong.error) == (4, True)
    folder.run(f"seinpost register add {request} --to r.toml --fingerprint FINGERPRINT")
    for name in ("bzk-2", "nctv-1"):
        folder.run(f"seinpost register sign r.toml --key E/registrars/{name}.key")
    forgotten = run_broker_command("publish-register", folder.path / "E", folder.path / "r.note")
    assert "the keys of ncsc-2 are missing" in forgotten.error
    folder.run(f"seinpost-broker publish-register E r.note --request {request}")
    config = configured(folder, "ncsc", "ncsc-2")
    config.rename(folder.path / "ncsc.toml")
    exercise = table("Oefening", exercise=True)
    (folder.path / "exercise.json").write_text(json.dumps(exercise))
    assert "admitted" in folder.run(publish)
    assert "Oefening" in folder.run(f"{watch} --idle 3 --from-start")
