# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A new version of an enclave's register, by the real commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .enclave import Done, Enclave, run, run_broker_command

SIGNERS = ("bzk-1", "nctv-1")
Change = Callable[[Path], None]


class Desk:
    """The registrars' desk: keeps the newest note, and makes the next."""

    def __init__(self, enclave: Enclave, folder: Path) -> None:
        self.enclave = enclave
        self.folder = folder
        self.newest = enclave.path / "register.note"
        self.version = 1

    def draft(self, change: Change | None = None) -> Path:
        """The draft of the next version, changed."""
        draft = self.folder / f"register-{self.version + 1}.toml"
        assert run("register", "new", draft, "--from", self.newest).status == 0
        if change is not None:
            change(draft)
        return draft

    def sign(self, draft: Path, *signers: str) -> Path:
        """The note, signed by these registrars."""
        for name in signers or SIGNERS:
            key = self.enclave.path / "registrars" / f"{name}.key"
            done = run("register", "sign", draft, "--key", key, "--previous", self.newest)
            assert done.status == 0, done
        return draft.with_suffix(".note")

    def publish(self, note: Path, *more: str | Path) -> Done:
        """By the operator; the newest when it is in force."""
        done = run_broker_command("publish-register", self.enclave.path, note, *more)
        if done.status == 0 and "is in force" in done.stdout:
            self.took(note)
        return done

    def took(self, note: Path) -> None:
        """The next version begins from this note."""
        self.newest = note
        self.version += 1

    def revoke(self, *identities: str, since: str = "2026-11-01T00:00:00Z") -> Path:
        """A signed version that revokes identities."""

        def change(draft: Path) -> None:
            done = run(
                "register", "revoke", draft, *identities, "--reason", "laptop gestolen", "--since", since
            )
            assert done.status == 0, done

        return self.sign(self.draft(change))


def make_request(folder: Path, party: str, name: str) -> tuple[Path, str]:
    """A new identity in ``folder``: its request file, and the fingerprint that the partner reads out."""
    passphrase = folder / f"{name}.pass"
    passphrase.write_text("een lange wachtwoordzin\n")
    passphrase.chmod(0o600)
    key = folder / f"{name}.key"
    done = run("keygen", key, "--party", party, "--name", name, "--passphrase-file", passphrase)
    assert done.status == 0, done
    (fingerprint,) = re.findall(r"^  ([0-9a-f]{64})$", done.stdout, re.MULTILINE)
    return Path(f"{key}.request.json"), fingerprint
