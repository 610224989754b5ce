# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The commands on files: exit statuses, one clear line, nothing half-written, no secret in any output."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from harness.memory import ISSUED, keys_of, seed

from seinpost.cli import main
from seinpost.identity import load_identity
from seinpost.registrar.key import load_registrar_key
from seinpost_broker.adapters.trial_pki_files import OTHER, TrialPkiFiles
from seinpost_broker.core import founding
from seinpost_broker.core.trial_pki import Purpose, issue_organisation
from seinpost_schemas.note import composite_type_and_key, format_vkey
from seinpost_schemas.register import parse_table
from seinpost_schemas.request import decode_request

pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked")
PASSPHRASE = "een lange wachtwoordzin"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


class Run:
    """The command's status and output."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self.everything = ""

    def __call__(self, *words: str | Path) -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.argv", ["seinpost", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capfd.readouterr()
        self.everything += out + err
        assert "Traceback" not in err
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    def fails(self, *words: str | Path) -> tuple[int, str]:
        """Its status and its only line on standard error."""
        status, out, err = self(*words)
        assert status
        assert out == ""
        (line,) = err.splitlines()
        assert line.startswith("seinpost: ")
        return status, line


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("SEINPOST_PASSPHRASE", PASSPHRASE)
    return Run(monkeypatch, capfd)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("r-1", "r-2", "r-9"):
        path = tmp_path / f"{name}.key"
        path.write_text(seed(name).hex() + "\n")
        path.chmod(0o600)
    registrars = [
        format_vkey(n, composite_type_and_key(keys_of(n).signing.public.raw)) for n in ("r-1", "r-2")
    ]
    text = founding.founding_text(
        "proef",
        ISSUED,
        [],
        founding.FoundingKeys(
            registrars=registrars,
            threshold=2,
            log_ed25519=bytes(32),
            log_mldsa44=bytes(1312),
            brokers={"broker-1": keys_of("broker").nats},
        ),
    )
    (tmp_path / "r1.toml").write_text(text)
    return tmp_path


def signed(run: Run, draft: str) -> None:
    for name in ("r-1", "r-2"):
        assert run("register", "sign", draft, "--key", f"{name}.key")[0] == 0


def test_a_version_from_draft_to_history(run: Run, folder: Path) -> None:
    signed(run, "r1.toml")
    assert run("register", "check", "r1.note")[0] == 0
    assert run("register", "new", "r2.toml", "--from", "r1.note", "--days", "10")[0] == 0
    status, _, err = run("register", "check", "r2.toml", "--draft", "--previous", "r1.note")
    assert status == 0
    assert "warning: expires on" in err
    signed(run, "r2.toml")
    _, out, _ = run("register", "history", "r1.note", "r2.note", "--json")
    rows = [json.loads(x) for x in out.splitlines()]
    assert [r["version"] for r in rows] == [1, 2]
    assert rows[1]["changes"][0] == "De versie: 1 wordt 2."
    _, out, _ = run("register", "diff", "r1.note", "r1.toml", "--lang", "en")
    assert out == "Nothing changes.\n"
    assert json.loads(run("register", "show", "r2.note", "--json")[1])["signed_by"] == ["r-1", "r-2"]
    assert run.fails("register", "history", "r2.note", "r1.note")[0] == 1


def test_what_is_wrong_is_one_line_and_its_status(run: Run, folder: Path) -> None:
    signed(run, "r1.toml")
    assert run.fails("register", "sign", "r1.toml", "--key", "r-9.key")[1].count("not a registrar's") == 1
    assert run.fails("register", "sign", "r1.note", "--key", "r-1.key")[0] == 4
    assert "exists already" in run.fails("register", "new", "r1.toml", "--from", "r1.note")[1]
    assert run.fails("register", "new", "r2.toml", "--from", "missing.note")[0] == 4
    assert (
        "is signed"
        in run.fails("register", "revoke", "r1.note", "x", "--reason", "y", "--log", "z", "--index", "1")[1]
    )
    assert run("register", "new", "r2.toml", "--from", "r1.note")[0] == 0
    before = (folder / "r2.toml").read_bytes()
    revoke = ("register", "revoke", "r2.toml")
    for words, part in (
        ((*revoke, "nobody-1", "--reason", "x", "--since", "2026-11-24T09:00:00Z"), "no identity 'nobody-1'"),
        ((*revoke, "--party", "ncsc", "--reason", "x", "--since", "2026-11-24T09:00:00Z"), "in force"),
        ((*revoke, "--party", "nobody", "--reason", "x", "--since", "2026-11-24T09:00:00Z"), "no party"),
        ((*revoke, "--reason", "x", "--since", "2026-11-24T09:00:00Z"), "name identities"),
        (("register", "explain", "--register", "r1.note"), "name a party"),
        (("register", "explain", "nobody", "--register", "r1.note"), "not in the register"),
        (("register", "explain", "--who-can-read", "x", "--register", "r1.note"), "classification/theme"),
        (("register", "show", "r-1.key"), "not TOML"),
        (("register", "rotate", "r2.toml", "--remove", "r-7"), "no registrar is called"),
        (("register", "check", "r1.note", "--enclave", "zz"), "32 hexadecimal"),
    ):
        assert part in run.fails(*words)[1]
    assert (folder / "r2.toml").read_bytes() == before
    # Below the threshold of what is left: the draft can be written, and check says so.
    assert run("register", "rotate", "r2.toml", "--remove", "r-2")[0] == 0
    assert "threshold" in run.fails("register", "check", "r2.toml", "--draft")[1]


def witnessed(run: Run, draft: str) -> None:
    """Give a draft identities and witnesses of three parties, by the commands."""
    for party in ("ncsc", "ibd", "ap"):
        for name, more in ((f"{party}-1", ()), (f"{party}-witness", ("--witness-of", "proef"))):
            _, out, _ = run("keygen", f"{name}.key", "--party", party, "--name", name, *more)
            fingerprint = out.split()[-1]
            add = ("register", "add", f"{name}.key.request.json", "--to", draft)
            assert run(*add, "--fingerprint", fingerprint)[0] == 0


SUSPECT = ("--reason", "laptop gestolen", "--since", "2026-11-24T09:00:00Z")


def test_a_party_is_revoked_with_its_witness(run: Run, folder: Path) -> None:
    witnessed(run, "r1.toml")
    before = parse_table((folder / "r1.toml").read_text())
    assert (before.quorum, len(before.witnesses)) == (2, 3)
    status, out, err = run("register", "revoke", "r1.toml", "--party", "ncsc", *SUSPECT)
    assert (status, out) == (0, "r1.toml: revokes ncsc-1, ncsc-witness\n")
    assert "2 of the 2 witnesses that are left must cosign; of them 0 may be dishonest" in err
    text = (folder / "r1.toml").read_text()
    after = parse_table(text)
    assert [w.party for w in after.witnesses] == ["ibd", "ap"]
    ncsc = after.party("ncsc")
    assert ncsc is not None
    assert after.in_force(ncsc) == ()
    assert "# witness ncsc-witness revoked: laptop gestolen (suspect from 2026-11-24T09:00:00+0000)\n" in text
    assert run("register", "check", "r1.toml", "--draft")[0] == 0
    assert (
        "no identity that is in force, and no witness"
        in run.fails("register", "revoke", "r1.toml", "--party", "ncsc", *SUSPECT)[1]
    )


def test_one_witness_is_revoked_by_name(run: Run, folder: Path) -> None:
    witnessed(run, "r1.toml")
    _, out, _ = run("register", "revoke", "r1.toml", "ibd-witness", *SUSPECT, "--json")
    assert json.loads(out) == {"revoked": [], "witnesses": ["ibd-witness"], "quorum": 2, "left": 2}
    register = parse_table((folder / "r1.toml").read_text())
    assert (register.revocations, [w.name for w in register.witnesses]) == (
        (),
        ["ncsc-witness", "ap-witness"],
    )
    # Its party's machine, and a witness, in one go; then the last one.
    assert run("register", "revoke", "r1.toml", "ibd-1", "ap-witness", *SUSPECT)[0] == 0
    status, _, err = run("register", "revoke", "r1.toml", "ncsc-witness", *SUSPECT)
    assert (status, "no witness is left" in err) == (0, True)
    register = parse_table((folder / "r1.toml").read_text())
    assert (len(register.revocations), register.witnesses, register.quorum) == (1, (), 0)


def test_a_witness_whose_party_is_wholly_revoked_is_warned_of(run: Run, folder: Path) -> None:
    witnessed(run, "r1.toml")
    assert run("register", "check", "r1.toml", "--draft")[2] == ""
    assert run("register", "revoke", "r1.toml", "ncsc-1", *SUSPECT)[0] == 0
    assert "its witness ncsc-witness still cosigns" in run("register", "check", "r1.toml", "--draft")[2]


def test_a_standstill_of_witnesses_is_a_problem_now_and_a_warning_later(run: Run, folder: Path) -> None:
    witnessed(run, "r1.toml")
    text = (folder / "r1.toml").read_text()
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    for days, status, said in ((1, 0, "r1.toml: warning: at "), (-1, 1, "r1.toml: at ")):
        until = (now + dt.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ended = re.sub(
            r'(token = "(?:ncsc|ap)".*?actions = \[\s*"witness",?\s*\])',
            rf"\1\nuntil = {until}",
            text,
            flags=re.DOTALL,
        )
        assert ended.count("\nuntil = ") == 2
        (folder / "r1.toml").write_text(ended)
        checked, _, err = run("register", "check", "r1.toml", "--draft")
        assert (checked, said in err, "1 witnesses may cosign" in err) == (status, True, True), err


def test_nobody_signs_another_text_into_a_note(run: Run, folder: Path) -> None:
    assert run("register", "sign", "r1.toml", "--key", "r-1.key")[0] == 0
    note = (folder / "r1.note").read_bytes()
    text = (folder / "r1.toml").read_text()
    (folder / "r1.toml").write_text(text.replace("Europese", "Europeese"))
    assert "another text" in run.fails("register", "sign", "r1.toml", "--key", "r-2.key")[1]
    assert (folder / "r1.note").read_bytes() == note


def test_a_registrars_key_is_kept_and_never_shown(run: Run, folder: Path) -> None:
    assert run("register", "key", "new.key", "--name", "bzk-3")[0] == 0
    assert (folder / "new.key").stat().st_mode & 0o777 == 0o600
    key = load_registrar_key(folder / "new.key", lambda: PASSPHRASE)
    assert (folder / "new.key.vkey").read_text().strip() == key.vkey
    assert run.fails("register", "key", "new.key", "--name", "bzk-3")[0] == 4
    (folder / "new.key").chmod(0o640)
    assert "chmod 600" in run.fails("register", "sign", "r1.toml", "--key", "new.key")[1]
    (folder / "new.key").chmod(0o600)
    (folder / "r-1.key").chmod(0o644)
    assert "chmod 600" in run.fails("register", "sign", "r1.toml", "--key", "r-1.key")[1]
    (folder / "r-1.key").chmod(0o600)
    secret = (folder / "new.key").read_bytes()
    (folder / "new.key").write_bytes(secret.replace(b'"bzk-3"', b'"bzk-1"'))
    assert "wrong passphrase" in run.fails("register", "sign", "r1.toml", "--key", "new.key")[1]
    (folder / "new.key").write_bytes(b"{")
    assert "not a registrar's key" in run.fails("register", "sign", "r1.toml", "--key", "new.key")[1]
    signed(run, "r1.toml")
    for name in ("r-1", "r-2"):
        assert seed(name).hex() not in run.everything
    assert PASSPHRASE not in run.everything
    assert repr(key) == "RegistrarKey(bzk-3)"


def test_a_wrong_passphrase_is_said(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("register", "key", "new.key", "--name", "bzk-3")[0] == 0
    monkeypatch.setenv("SEINPOST_PASSPHRASE", "een andere wachtwoordzin")
    status, line = run.fails("register", "sign", "r1.toml", "--key", "new.key")
    assert (status, "wrong passphrase" in line) == (4, True)
    assert "andere" not in line
    monkeypatch.setenv("SEINPOST_PASSPHRASE", "kort")
    assert "too short" in run.fails("register", "key", "other.key", "--name", "bzk-4")[1]
    assert not (folder / "other.key").exists()


def test_a_request_is_taken_in_only_with_its_fingerprint(run: Run, folder: Path) -> None:
    _, out, _ = run("keygen", "ap.key", "--party", "ap", "--name", "ap-1", "--machine", "piket")
    fingerprint = out.split()[-1]
    add = ("register", "add", "ap.key.request.json", "--to", "r1.toml")
    before = (folder / "r1.toml").read_bytes()
    status, _, err = run(*add)
    assert status == 4
    assert "ap-1 of ap on piket" in err
    assert fingerprint[:4] + " " + fingerprint[4:8] in err
    assert "not that of this request" in run.fails(*add, "--fingerprint", "ab" * 32)[1]
    assert (folder / "r1.toml").read_bytes() == before
    assert run(*add, "--fingerprint", fingerprint.upper())[0] == 0
    (folder / "ap.key.request.json").write_text('{"party": "ap"}')
    assert "not a request" in run.fails(*add, "--fingerprint", fingerprint)[1]
    assert run.fails("keygen", "b.key", "--party", "ap", "--name", "ap-2", "--oin", "12")[0] == 4
    assert not (folder / "b.key").exists()


@pytest.mark.parametrize("step", ["write", "fsync", "link"])
def test_a_full_disk_leaves_nothing_half_written(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(p.name for p in folder.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(os, {"write": "fchmod"}.get(step, step), full)
        status, line = run.fails("keygen", "ap.key", "--party", "ap", "--name", "ap-1")
        assert (status, "No space left" in line) == (4, True)
        assert run.fails("register", "key", "new.key", "--name", "bzk-3")[0] == 4
    assert sorted(p.name for p in folder.iterdir()) == before


def certificate(folder: Path, oin: str = "00000099000000010000") -> Path:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    pki = TrialPkiFiles(folder / "pki")
    pki.found(now)
    path, _ = pki.issue(
        "ap-1", OTHER, lambda ca: issue_organisation(ca, "AP", oin, Purpose.AUTHENTICATION, now)
    )
    return path


def test_a_certificate_from_keygen_to_the_words_of_officials(run: Run, folder: Path) -> None:
    path = certificate(folder)
    words = ("--party", "ap", "--name", "ap-1", "--tls-certificate", path)
    assert run("keygen", "ap.key", *words, "--user", "certificate")[0] == 0
    subject = "SERIALNUMBER=00000099000000010000,CN=TRIAL AP,O=TRIAL AP,C=NL"
    request = json.loads(Path("ap.key.request.json").read_text())
    shown = json.loads(run("register", "certificate", path, "--json")[1])
    assert shown == {k: request[k] for k in ("certificate", "certificate_keys")}
    assert shown["certificate"] == subject
    assert run("register", "certificate", path)[1].splitlines() == [
        f'certificate = "{subject}"',
        f'certificate_keys = ["{shown["certificate_keys"][0]}"]',
    ]
    signed(run, "r1.toml")
    run("register", "new", "r2.toml", "--from", "r1.note")
    status, line = run.fails(
        "register", "add", "ap.key.request.json", "--to", "r2.toml", "--fingerprint", "00"
    )
    assert (status, "not that of this request" in line) == (4, True)
    fingerprint = decode_request(Path("ap.key.request.json").read_bytes()).fingerprint().hex()
    assert (
        run("register", "add", "ap.key.request.json", "--to", "r2.toml", "--fingerprint", fingerprint)[0] == 0
    )
    assert run("register", "check", "r2.toml", "--draft")[0] == 0
    _, out, _ = run("register", "diff", "r1.note", "r2.toml")
    assert f"ap-1 maakt verbinding met het certificaat van {subject}." in out
    _, out, _ = run("register", "show", "r2.toml")
    assert f"    ap-1 maakt verbinding met het certificaat van {subject}\n" in out
    _, out, _ = run("register", "explain", "ap", "--register", "r2.toml", "--lang", "en")
    assert f"ap-1 connects with the certificate of {subject}\n" in out


def test_keygen_with_nkey_and_a_certificate_records_its_key_only(run: Run, folder: Path) -> None:
    path = certificate(folder)
    assert run("keygen", "ap.key", "--party", "ap", "--name", "ap-1", "--tls-certificate", path)[0] == 0
    request = json.loads(Path("ap.key.request.json").read_text())
    assert "certificate" not in request
    assert len(request["certificate_keys"]) == 1


def test_keygen_refuses_a_file_that_is_no_certificate(run: Run, folder: Path) -> None:
    words = ("keygen", "ap.key", "--party", "ap", "--name", "ap-1")
    assert run.fails(*words, "--user", "certificate")[0] == 4
    for file in ("r1.toml", "nowhere.crt"):
        assert run.fails(*words, "--tls-certificate", file)[0] == 4
    assert not Path("ap.key").exists()
    assert run.fails("register", "certificate", "r1.toml")[0] == 4


def sealing(folder: Path, oin: str = "00000099000000010000") -> tuple[Path, Path, TrialPkiFiles]:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    pki = TrialPkiFiles(folder / f"pki-{oin}")
    pki.found(now)
    files = pki.issue("seal", OTHER, lambda ca: issue_organisation(ca, "AP", oin, Purpose.AUTHENTICITY, now))
    return *files, pki


def keygen(run: Run, name: str, *words: str | Path) -> str:
    """A request of AP; its fingerprint."""
    assert run("keygen", f"{name}.key", "--party", "ap", "--name", name, *words)[0] == 0
    return decode_request(Path(f"{name}.key.request.json").read_bytes()).fingerprint().hex()


def test_a_key_statement_from_keygen_to_check(run: Run, folder: Path) -> None:
    certificate, key, pki = sealing(folder)
    ca = pki.path / "ca.pem"
    fingerprint = keygen(run, "ap-1", "--certificate", certificate, "--key", key)
    request = Path("ap-1.key.request.json")
    assert decode_request(request.read_bytes()).oin == "00000099000000010000"
    signed(run, "r1.toml")
    run("register", "new", "r2.toml", "--from", "r1.note")
    before = Path("r2.toml").read_bytes()
    add = ("register", "add", request, "--to", "r2.toml", "--fingerprint", fingerprint)
    assert "give the CAs that you trust" in run.fails(*add)[1]
    _, _, other = sealing(folder, "00000099000000012000")
    assert "does not verify" in run.fails(*add, "--ca", other.path / "ca.pem")[1]
    assert (
        "is not signed by"
        in run.fails(*add, "--ca", ca, "--crl", other.revoke(other.path / "seal.crt", NOW))[1]
    )
    assert "--crl goes with --ca" in run.fails(*add, "--crl", ca)[1]
    assert "holds no list" in run.fails(*add, "--ca", ca, "--crl", ca)[1]
    assert Path("r2.toml").read_bytes() == before
    status, out, _ = run(*add, "--ca", ca)
    assert (status, "sealed by SERIALNUMBER=00000099000000010000" in out) == (0, True)
    subject = "SERIALNUMBER=00000099000000010000,CN=TRIAL AP,O=TRIAL AP,C=NL"
    assert "De sleutels van ap-1 zijn bezegeld" in run("register", "diff", "r1.note", "r2.toml")[1]
    shown = run("register", "show", "r2.toml")[1]
    assert f"  bezegelt zijn sleutels met het certificaat van {subject}\n" in shown
    assert "    de sleutels zijn bezegeld, sleutelverklaring " in shown

    # Every registrar can verify it again, from the request.
    check = ("register", "check", "r2.toml", "--draft", "--previous", "r1.note")
    assert run(*check)[0] == 0
    assert run(*check, "--request", request, "--ca", ca)[0] == 0
    assert "cannot be verified" in run.fails(*check, "--request", request)[1]
    lists = pki.revoke(certificate, NOW)
    assert (
        "was revoked by its issuer" in run.fails(*check, "--request", request, "--ca", ca, "--crl", lists)[1]
    )

    # A second identity needs one too; in a text that was changed by hand, check says so.
    bare = keygen(run, "ap-2")
    words = ("register", "add", "ap-2.key.request.json", "--to", "r2.toml", "--fingerprint", bare)
    assert "has a certificate on record" in run.fails(*words)[1]
    text = Path("r2.toml").read_text()
    statement = next(x for x in text.splitlines() if x.startswith("statement = "))
    Path("r3.toml").write_text(text.replace(statement + "\n", ""))
    line = run.fails("register", "check", "r3.toml", "--draft", "--previous", "r1.note")[1]
    assert line.endswith("ap-1 of ap has no key statement, and ap has a certificate on record")
    changed = text.replace(statement, f'statement = "{"ab" * 32}"')
    Path("r4.toml").write_text(changed)
    check4 = ("register", "check", "r4.toml", "--draft", "--request", request, "--ca", ca)
    assert "another key statement in this version" in run.fails(*check4)[1]
    nats = next(x for x in text.splitlines() if x.startswith("nats = ") and x not in before.decode())
    Path("r5.toml").write_text(text.replace(nats, f'nats = "{keys_of("thief").nats}"'))
    check5 = ("register", "check", "r5.toml", "--draft", "--request", request, "--ca", ca)
    assert "would connect otherwise than its request says" in run.fails(*check5)[1]
    Path("r6.toml").write_text(text.replace("CN=TRIAL AP,O=TRIAL AP", "CN=AP,O=AP"))
    check6 = ("register", "check", "r6.toml", "--draft", "--request", request, "--ca", ca)
    assert "on record for ap is SERIALNUMBER=00000099000000010000,CN=AP" in run.fails(*check6)[1]
    assert (
        "is not in this version"
        in run.fails("register", "check", "r1.toml", "--draft", "--request", request)[1]
    )


def test_keygen_seals_with_the_right_files_or_not_at_all(run: Run, folder: Path) -> None:
    certificate, key, _ = sealing(folder)
    words = ("keygen", "ap.key", "--party", "ap", "--name", "ap-1")
    assert "go together" in run.fails(*words, "--certificate", certificate)[1]
    assert "go together" in run.fails(*words, "--key", key)[1]
    given = ("--certificate", certificate)
    assert "--oin says" in run.fails(*words, *given, "--key", key, "--oin", "00000099000000012000")[1]
    assert "is not a private key" in run.fails(*words, *given, "--key", "r-1.key")[1]
    other = certificate.parent / "other-lp.key"
    assert "not that of the certificate" in run.fails(*words, *given, "--key", other)[1]
    wide = folder / "wide.key"
    wide.write_bytes(key.read_bytes())
    wide.chmod(0o640)
    assert "can be read by others" in run.fails(*words, *given, "--key", wide)[1]

    locked = folder / "locked.key"
    secret = BestAvailableEncryption(b"wachtwoord van de TSP")
    private = load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    locked.chmod(0o600)
    assert "needs its passphrase" in run.fails(*words, *given, "--key", locked)[1]
    passphrase = folder / "tsp.pass"
    passphrase.write_text("fout\n")
    passphrase.chmod(0o600)
    asked = ("--key", locked, "--key-passphrase-file", passphrase)
    assert "the passphrase is wrong" in run.fails(*words, *given, *asked)[1]
    assert not list(folder.glob("ap.key*"))
    passphrase.write_text("wachtwoord van de TSP\n")
    assert run(*words, *given, *asked)[0] == 0
    assert "wachtwoord" not in run.everything
    assert "PRIVATE KEY" not in run.everything


def configured(folder: Path, party: str = "ap", name: str = "ap-1") -> Path:
    """A configuration with a new identity of a party."""
    assert Path(f"{name}.key").exists()
    path = folder / f"{name}.toml"
    path.write_text(
        f'enclave = "{"0f" * 16}"\nparty = "{party}"\nidentity = "{name}.key"\n'
        'server = "nats://127.0.0.1:1"\nstate = "state"\n'
    )
    return path


def test_keygen_makes_a_successor_on_the_word_of_the_identity_before(run: Run, folder: Path) -> None:
    first = keygen(run, "ap-1")
    signed(run, "r1.toml")
    run("register", "new", "r2.toml", "--from", "r1.note")
    add = ("register", "add", "ap-1.key.request.json", "--to", "r2.toml", "--fingerprint", first)
    assert run(*add)[0] == 0
    old = configured(folder)
    words = ("keygen", "ap-2.key", "--name", "ap-2", "--succeeds", old)
    assert "is an identity of ap, not of bzk" in run.fails(*words, "--party", "bzk")[1]
    assert "leave out --succeeds" in run.fails(*words, "--party", "ap", "--witness-of", "proef")[1]
    assert not Path("ap-2.key").exists()
    assert run(*words, "--party", "ap")[0] == 0
    endorsed = ("register", "add", "ap-2.key.request.json", "--to", "r2.toml", "--endorsed")
    status, out, _ = run(*endorsed)
    assert (status, "vouched for by ap-1, which it succeeds" in out) == (0, True)
    assert "ap-2 volgt ap-1 op, die ervoor instaat." in run("register", "diff", "r1.note", "r2.toml")[1]
    assert "    volgt ap-1 op\n" in run("register", "show", "r2.toml")[1]
    assert run("register", "check", "r2.toml", "--draft", "--previous", "r1.note")[0] == 0
    # The registrars' desk has it, or another one's request; a newcomer has no one's word.
    keygen(run, "ap-3")
    newcomer = ("register", "add", "ap-3.key.request.json", "--to", "r2.toml", "--endorsed")
    assert "no identity of this party vouches" in run.fails(*newcomer)[1]
    before, after = (load_identity(Path(f"{n}.key"), PASSPHRASE) for n in ("ap-1", "ap-2"))
    assert after.sender_ids == (after.sender_id, before.sender_id)
    for secret in (before.storage_key, before.kem.seed, after.kem.seed):
        assert secret.hex() not in run.everything
