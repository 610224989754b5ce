# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Live: the past, for a machine that was added and a party that joined; by shares in the log, and in no other way."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from harness.enclave import Done, Enclave, run
from harness.registrar import Desk, make_request
from harness.samples import line

pytestmark = pytest.mark.nats
NewEnclave = Callable[..., Enclave]
WHERE = ("--theme", "process", "--classification", "depv")


def titles(done: Done) -> list[str]:
    assert done.status == 0, done
    return [row["signal"]["report"].get("title", "") for row in done.rows]


class Case:
    """An enclave with a past, and a desk that lets others in."""

    def __init__(self, enclave: Enclave, folder: Path) -> None:
        self.enclave = enclave
        self.folder = folder
        self.desk = Desk(enclave, folder)
        enclave.start()

    def publish(self, party: str, *names: str, audience: str = "all") -> None:
        source = self.folder / f"{names[0]}.jsonl"
        source.write_bytes(b"".join(map(line, names)))
        done = self.enclave.publish(party, source, *WHERE, "--audience", audience)
        assert done.status == 0, done

    def watch(self, config: Path) -> list[str]:
        return titles(run("watch", "--config", config, "--json", "--idle", "3"))

    def add(self, party: str, name: str, change: Callable[[dict], None] | None = None) -> Path:  # type: ignore[type-arg]
        """A new identity, in a new version that is in force; its configuration."""
        request, fingerprint = make_request(self.folder, party, name)

        def added(draft: Path) -> None:
            done = run("register", "add", request, "--to", draft, "--fingerprint", fingerprint)
            assert done.status == 0, done
            if change is not None:
                table = tomllib.loads(draft.read_text())
                change(table)
                draft.write_text(tomli_w.dumps(table))

        note = self.desk.sign(self.desk.draft(added))
        done = self.desk.publish(note, "--request", request)
        assert done.status == 0, done
        base = tomllib.loads(self.enclave.config("tafel").read_text())
        base |= {
            "party": party,
            "identity": str(self.folder / f"{name}.key"),
            "passphrase_file": str(self.folder / f"{name}.pass"),
            "state": str(self.folder / f"{name}-state"),
        }
        config = self.folder / f"{name}.toml"
        config.write_text(tomli_w.dumps(base))
        return config


@pytest.fixture
def case(new_enclave: NewEnclave, tmp_path: Path) -> Case:
    return Case(new_enclave("ncsc", "ibd", "tafel"), tmp_path)


def test_a_new_machine_gets_the_past_by_a_share_and_not_before(case: Case) -> None:
    case.publish("ncsc", "eerste", "tweede")
    case.publish("ibd", "derde", audience="tafel")
    tafel = case.enclave.config("tafel")
    assert sorted(case.watch(tafel)) == ["derde", "eerste", "tweede"]
    second = case.add("tafel", "tafel-2")
    case.publish("ncsc", "vierde")
    assert case.watch(second) == ["vierde"]
    dry = run("share", "tafel-2", "--config", tafel, "--dry-run", "--json")
    assert [(r["compartment"], r["epochs"], r["shared"]) for r in dry.rows] == [("depv/process", 2, False)], (
        dry
    )
    assert case.watch(second) == []
    done = run("share", "tafel-2", "--config", tafel)
    assert (done.status, done.stdout) == (0, "depv/process: 2 epochs shared with tafel-2\n"), done
    # What came before it, in the order of the log; and nothing twice.
    assert case.watch(second) == ["eerste", "tweede", "derde"]
    assert case.watch(second) == []
    again = run("share", "tafel-2", "--config", tafel)
    assert again.stdout == "depv/process: 0 epochs shared with tafel-2, 2 were before\n", again
    # From the start it is all there, once; and its receipts say that it has the past too.
    assert sorted(titles(run("watch", "--config", second, "--json", "--idle", "3", "--from-start"))) == [
        "derde",
        "eerste",
        "tweede",
        "vierde",
    ]
    # Whoever audits sees who was given what, and that it was in order.
    export = case.folder / "export"
    assert run("audit", "export", export, "--config", tafel).status == 0
    enclave_id = tomllib.loads(tafel.read_text())["enclave"]
    verified = run("audit", "verify", export, "--enclave", enclave_id)
    assert verified.status == 0, verified


def test_a_party_that_joins_gets_what_publishers_share_of_their_own(case: Case) -> None:
    case.publish("ncsc", "van ncsc")
    case.publish("ibd", "van ibd")
    case.publish("ncsc", "alleen voor de tafel", audience="tafel")

    def may_read(table: dict) -> None:  # type: ignore[type-arg]
        party = next(p for p in table["parties"] if p["token"] == "ap")
        party["mandates"].append(
            {
                "themes": ["process"],
                "actions": ["read"],
                "basis": "Besluit van 27 november 2026",
                "status": "default",
                "ceiling": "depv",
            }
        )

    newcomer = case.add("ap", "ap-2", may_read)
    assert case.watch(newcomer) == []
    done = run("share", "ap-2", "--config", case.enclave.config("ncsc"), *WHERE)
    assert (done.status, done.stdout) == (0, "depv/process: 1 epochs shared with ap-2\n"), done
    assert case.watch(newcomer) == ["van ncsc"]
    # The table reads it all, and may give none of it away.
    none = run("share", "ap-2", "--config", case.enclave.config("tafel"))
    assert (none.status, none.stdout.split(":")[0]) == (0, "nothing to share"), none


def test_bad_input_is_one_line(case: Case) -> None:
    config = case.enclave.config("ncsc")
    for arguments, status, words in (
        (("nobody-1",), 1, "no identity is called"),
        (("tafel-1", "--since", "2026-11-01"), 4, "time zone"),
        (("tafel-1", "--theme", "weather"), 1, "weather"),
    ):
        done = run("share", *arguments, "--config", config)
        assert done.status == status, done
        assert "\n" not in done.error
        assert words in done.error
