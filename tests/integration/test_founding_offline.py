# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave whose registrars' and partners' keys never were on the broker's machine; and what a trial leaves there."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from harness.enclave import Enclave, free_port, run, run_broker_command
from harness.registrar import make_request
from harness.samples import line, titles
from harness.secrets import Secrets, registrar_seed

from seinpost_broker.adapters.enclave_dir import EnclaveDir
from seinpost_broker.founding import whole_or_nothing
from seinpost_schemas.errors import SetupError
from seinpost_schemas.request import decode_request

pytestmark = [pytest.mark.nats]
PASSPHRASE = "een lange wachtwoordzin"
NAMES = {"anna": "bzk-1", "bram": "bzk-2", "chris": "nctv-1"}


class Desk:
    """The machines that are not the broker's, and the broker's directory beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.enclave = folder / "v"
        self.passphrase = folder / "own.pass"
        self.passphrase.write_text(PASSPHRASE + "\n")
        self.passphrase.chmod(0o600)
        for file, name in NAMES.items():
            made = run(
                "register",
                "key",
                folder / f"{file}.key",
                "--name",
                name,
                "--passphrase-file",
                self.passphrase,
            )
            assert made.status == 0, made
        self.requests: list[Path] = []

    @property
    def draft(self) -> Path:
        return self.enclave / "register-1.toml"

    def prepare(self, enclave: Path, threshold: int = 2, *more: str) -> None:
        vkeys = [x for file in NAMES for x in ("--registrar", str(self.folder / f"{file}.key.vkey"))]
        done = run_broker_command(
            "prepare", enclave, *vkeys, "--threshold", str(threshold), "--port", str(self.port), *more
        )
        assert done.status == 0, done

    def take_in(self, party: str, name: str) -> None:
        request, fingerprint = make_request(self.folder, party, name)
        self.requests.append(request)
        done = run("register", "add", request, "--to", self.draft, "--fingerprint", fingerprint)
        assert done.status == 0, done

    def sign(self, *files: str, draft: Path | None = None) -> Path:
        target = draft or self.draft
        for file in files:
            key = self.folder / f"{file}.key"
            done = run("register", "sign", target, "--key", key, "--passphrase-file", self.passphrase)
            assert done.status == 0, done
        return target.with_suffix(".note")

    def refused(self, note: Path, *requests: Path) -> str:
        """What `found` says of it; nothing is founded."""
        options = [x for r in requests for x in ("--request", r)]
        done = run_broker_command("found", self.enclave, note, *options)
        assert done.status in (1, 2)
        assert not (self.enclave / "register.note").exists()
        assert not (self.enclave / "keys").exists()
        return done.error


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(tmp_path_factory.mktemp("desk"))
    made.prepare(made.enclave)
    made.take_in("ncsc", "ncsc-1")
    made.take_in("tafel", "tafel-1")
    return made


def test_what_is_prepared_holds_no_key_but_the_brokers(desk: Desk) -> None:
    files = {str(p.relative_to(desk.enclave)) for p in desk.enclave.rglob("*") if p.is_file()}
    assert files == {"broker.key", "broker.toml", "register-1.toml", "registrars.toml"}
    assert stat.S_IMODE((desk.enclave / "broker.key").stat().st_mode) == 0o600
    secrets = Secrets()
    for file in NAMES:
        secrets.add(file, registrar_seed(desk.folder / f"{file}.key", PASSPHRASE))
    for name in ("ncsc-1", "tafel-1"):
        secrets.add_identity(desk.folder / f"{name}.key", PASSPHRASE, "verkiezingen")
    assert secrets.found_in_files(desk.enclave) == {}


def test_nothing_is_served_before_it_is_founded(desk: Desk) -> None:
    for command in ("run", "render", "drift"):
        done = run_broker_command(command, desk.enclave)
        assert (done.status, "not founded yet" in done.error) == (4, True)


def test_only_what_enough_registrars_signed_founds_it(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "register-1.toml"
    copy.write_bytes(desk.draft.read_bytes())
    assert "is not a signed register" in desk.refused(copy, *desk.requests)
    one = desk.sign("anna", draft=copy)
    assert "2 are needed" in desk.refused(one, *desk.requests)
    changed = tmp_path / "changed.note"
    changed.write_bytes(desk.sign("chris", draft=copy).read_bytes().replace(b"depv", b"ong", 1))
    assert "does not verify" in desk.refused(changed, *desk.requests)


def test_exactly_the_keys_that_it_names_come_in(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "register-1.toml"
    copy.write_bytes(desk.draft.read_bytes())
    note = desk.sign("anna", "chris", draft=copy)
    assert "keys of ncsc-1 are missing" in desk.refused(note, desk.requests[1])
    stranger, _ = make_request(tmp_path, "ap", "ap-1")
    assert "does not name" in desk.refused(note, *desk.requests, stranger)


def test_a_version_of_another_broker_or_a_later_one_founds_nothing(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    desk.prepare(other)
    note = desk.sign("anna", "chris", draft=other / "register-1.toml")
    assert "other keys of log and broker" in desk.refused(note)
    later = tmp_path / "later.toml"
    later.write_text(re.sub(r"(?m)^version = 1$", "version = 2", desk.draft.read_text()))
    assert "version 2" in desk.refused(desk.sign("anna", "chris", draft=later), *desk.requests)


@pytest.mark.parametrize("change", ["threshold", "one fewer", "another"])
def test_a_version_of_other_registrars_founds_nothing(desk: Desk, tmp_path: Path, change: str) -> None:
    """Its own threshold signs it, it names the broker's keys, and the draft beside them was changed too."""
    if change == "another":
        made = run(
            "register", "key", tmp_path / "dief.key", "--name", "dief", "--passphrase-file", desk.passphrase
        )
        assert made.status == 0, made
    rotation = {
        "threshold": ("--threshold", "1"),
        "one fewer": ("--remove", "nctv-1"),
        "another": ("--remove", "nctv-1", "--add", str(tmp_path / "dief.key.vkey")),
    }
    honest = desk.draft.read_bytes()
    try:
        done = run("register", "rotate", desk.draft, *rotation[change])
        assert done.status == 0, done
        copy = tmp_path / "register-1.toml"
        copy.write_bytes(desk.draft.read_bytes())
        assert "other registrars, or another threshold" in desk.refused(
            desk.sign("anna", "bram", draft=copy), *desk.requests
        )
    finally:
        desk.draft.write_bytes(honest)


def test_what_is_no_verifier_key_or_threshold_prepares_nothing(desk: Desk, tmp_path: Path) -> None:
    vkey = desk.folder / "anna.key.vkey"
    for registrar, threshold, said in (
        (desk.folder / "anna.key", "1", "verifier key"),
        (vkey, "2", "from 1 to 1"),
        (vkey, "0", "from 1 to 1"),
    ):
        target = tmp_path / "none"
        done = run_broker_command("prepare", target, "--registrar", registrar, "--threshold", threshold)
        assert done.status in (1, 2)
        assert said in done.error
        assert not target.exists()


def test_an_enclave_of_offline_registrars_serves(desk: Desk) -> None:
    """The whole way: signed elsewhere, taken in, a signal from one partner to another; and no way back."""
    note = desk.sign("bram", "chris")
    options = [x for r in desk.requests for x in ("--request", r)]
    done = run_broker_command("found", desk.enclave, note, *options)
    assert done.status == 0, done
    (enclave_id,) = re.findall(r"enclave ([0-9a-f]{32})", done.stdout)
    assert "founded already" in run_broker_command("found", desk.enclave, note, *options).error
    assert not list(desk.enclave.rglob("registrars"))
    enclave = Enclave(desk.enclave, desk.port)
    enclave.start()
    try:
        for name in ("ncsc-1", "tafel-1"):
            config = (
                f'enclave = "{enclave_id}"\nparty = "{name[:-2]}"\nidentity = "{name}.key"\n'
                f'server = "{enclave.url}"\nstate = "state/{name}"\npassphrase_file = "{name}.pass"\n'
            )
            (desk.folder / f"{name}.toml").write_text(config)
        source = desk.folder / "signal.json"
        source.write_bytes(line("Eerste signaal"))
        where = ("--theme", "process", "--classification", "depv")
        assert run("publish", source, "--config", desk.folder / "ncsc-1.toml", *where).status == 0
        read = run("watch", "--config", desk.folder / "tafel-1.toml", "--from-start", "--idle", "3", "--json")
        assert titles(r for r in read.rows if "signal" in r) == ["Eerste signaal"]
    finally:
        enclave.stop()


def test_a_trial_says_that_it_is_one_and_keeps_its_keys_to_its_owner(tmp_path: Path) -> None:
    done = run_broker_command("init", tmp_path / "e", "--party", "tafel", "--no-witnesses")
    assert done.status == 0, done
    assert "FOR TRIALS ONLY" in done.stderr
    secret = [*(tmp_path / "e" / "registrars").iterdir(), *(tmp_path / "e" / "identities").glob("*.key")]
    secret += [*(tmp_path / "e" / "identities").glob("*.pass"), tmp_path / "e" / "broker.key"]
    assert len(secret) == 6
    assert {stat.S_IMODE(p.stat().st_mode) for p in secret} == {0o600}
    assert {stat.S_IMODE(p.parent.stat().st_mode) for p in secret} == {0o700}


@pytest.mark.parametrize("there", [True, False])
def test_a_founding_that_fails_leaves_no_key(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "e"
    if there:
        path.mkdir()

    def fail(directory: EnclaveDir) -> None:
        directory.write("registrars/bzk-1.key", "00" * 64, secret=True)
        directory.write("broker.key", "{}", secret=True)
        raise SetupError("the disk is full")

    with pytest.raises(SetupError, match="full"), whole_or_nothing(path) as directory:
        fail(directory)
    assert path.exists() is there
    assert list(tmp_path.rglob("*.key")) == []


def test_one_for_use_listens_elsewhere_with_a_certificate_only(desk: Desk, tmp_path: Path) -> None:
    pki, port = tmp_path / "pki", free_port()
    assert run_broker_command("trial-pki", "new", pki).status == 0
    assert run_broker_command("trial-pki", "server", pki, "--name", "nats.trial.example").status == 0
    own = Desk.__new__(Desk)
    own.folder, own.port, own.enclave, own.passphrase = desk.folder, port, tmp_path / "e", desk.passphrase
    vkeys = [x for file in NAMES for x in ("--registrar", str(desk.folder / f"{file}.key.vkey"))]
    words = ["prepare", own.enclave, *vkeys, "--threshold", "2", "--port", str(port), "--host", "0.0.0.0"]  # noqa: S104
    done = run_broker_command(*words)
    assert (done.status, "must not listen on" in done.error) == (4, True), done
    assert not own.enclave.exists()
    files = [
        "--tls-certificate",
        pki / "server.crt",
        "--tls-key",
        pki / "server.key",
        "--tls-ca",
        pki / "ca.pem",
    ]
    done = run_broker_command(*words, *files, "--tls-name", "nats.trial.example")
    assert done.status == 0, done
    own.requests = []
    for request in desk.requests:
        taken = run(
            "register",
            "add",
            request,
            "--to",
            own.draft,
            "--fingerprint",
            decode_request(request.read_bytes()).fingerprint().hex(),
        )
        assert taken.status == 0, taken
    note = own.sign("anna", "bram")
    done = run_broker_command(
        "found", own.enclave, note, *[x for r in desk.requests for x in ("--request", r)]
    )
    assert done.status == 0, done
    made = Enclave(own.enclave, port)
    try:
        # The broker is a client of its own server: over TLS, by the name in the certificate.
        made.start()
    finally:
        made.stop()


def test_one_key_named_twice_or_a_port_that_cannot_be_prepares_nothing(desk: Desk, tmp_path: Path) -> None:
    target = tmp_path / "never"
    vkey = desk.folder / "anna.key.vkey"
    copy = tmp_path / "copy.vkey"
    copy.write_bytes(vkey.read_bytes())
    for words, says in (
        (("prepare", target, "--registrar", vkey, "--registrar", copy, "--threshold", "2"), "named twice"),
        (("prepare", target, "--registrar", vkey, "--threshold", "0"), "--threshold"),
        (("prepare", target, "--registrar", vkey, "--threshold", "1", "--port", "99999"), "--port"),
        (("init", target, "--port", "99999"), "--port"),
        (("publish-register", target, vkey, "--wait", "nan"), "--wait"),
    ):
        done = run_broker_command(*words)
        assert (done.status, says in done.error, target.exists()) == (2, True, False), done
