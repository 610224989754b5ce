# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Commands with wrong keys, a wrong register, or nobody at the other end: a sentence and its exit status."""

from __future__ import annotations

import re
import shutil
import socket
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from harness.enclave import Enclave, free_port, run, run_broker_command, start
from harness.samples import line

pytestmark = pytest.mark.nats

NewEnclave = Callable[..., Enclave]
WHERE = ("--theme", "process", "--classification", "depv")
SHORT_DIRECTORY = "import seinpost._directory as d, seinpost.connection as c; d._FIRST_SECONDS = 2"
SHORT_ANSWER = "import seinpost.cli.publish as p; p.ANSWER_SECONDS = 3"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "signal.json"
    path.write_bytes(line("Nooit aangekomen"))
    return path


def rewritten(config: Path, target: Path, **changes: str) -> Path:
    """A copy of a configuration with absolute paths and other values."""
    text = config.read_text()
    for key in ("identity", "passphrase_file", "state"):
        text = re.sub(rf'(?m)^{key} = "(.*)"', lambda m, k=key: f'{k} = "{config.parent / m[1]}"', text)
    for key, value in changes.items():
        text = re.sub(rf'(?m)^{key} = ".*"', f'{key} = "{value}"', text)
    target.write_text(text)
    return target


# -- own keys ---------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_status_4(enclave: Enclave, source: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pass"
    wrong.write_text("not the passphrase\n")
    wrong.chmod(0o600)
    key = (enclave.path / "identities" / "ncsc-1.key").read_bytes()
    for command in (("publish", source, *WHERE), ("watch",)):
        done = run(*command, "--config", enclave.config("ncsc"), "--passphrase-file", wrong)
        assert "wrong passphrase" in done.error
        assert done.status == 4
    assert (enclave.path / "identities" / "ncsc-1.key").read_bytes() == key


def test_a_changed_or_relabelled_or_open_key_file_is_status_4(enclave: Enclave, tmp_path: Path) -> None:
    original = enclave.path / "identities" / "ncsc-1.key"
    cases = {
        "changed": (original.read_bytes()[:-40] + b"AAAA" + original.read_bytes()[-36:], 0o600),
        "relabelled": (original.read_bytes().replace(b'"ncsc"', b'"ibd"'), 0o600),
        "truncated": (original.read_bytes()[:100], 0o600),
        "empty": (b"", 0o600),
        "open": (original.read_bytes(), 0o644),
    }
    for name, (data, mode) in cases.items():
        key = tmp_path / f"{name}.key"
        key.write_bytes(data)
        key.chmod(mode)
        config = rewritten(enclave.config("ncsc"), tmp_path / f"{name}.toml", identity=str(key))
        done = run("watch", "--config", config)
        assert done.status == 4, (name, done)
        assert str(key) in done.error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "configuration"),
        ("enclave = 1", "configuration"),
        ("\x00", "configuration"),
        ("nonsense = true", "configuration"),
        ('x = "' + "é" * 10, "configuration"),
    ],
)
def test_a_configuration_that_is_not_one_is_status_4(tmp_path: Path, text: str, says: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="latin-1")
    done = run("watch", "--config", config)
    assert says in done.error
    assert done.status == 4


def test_keygen_never_overwrites(tmp_path: Path) -> None:
    passphrase = tmp_path / "pass"
    passphrase.write_text("a long enough passphrase\n")
    passphrase.chmod(0o600)
    arguments = ("keygen", tmp_path / "a.key", "--party", "ncsc", "--name", "a")
    assert run(*arguments, "--passphrase-file", passphrase).status == 0
    before = (tmp_path / "a.key").read_bytes()
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600
    done = run(*arguments, "--passphrase-file", passphrase)
    assert "nothing was changed" in done.error
    assert done.status == 4
    assert (tmp_path / "a.key").read_bytes() == before


# -- register ---------------------------------------------------------------------------------------


def test_an_identity_that_is_not_in_the_register(enclave: Enclave, source: Path, tmp_path: Path) -> None:
    passphrase = enclave.path / "identities" / "ncsc.pass"
    key = tmp_path / "stranger.key"
    made = run("keygen", key, "--party", "ncsc", "--name", "stranger", "--passphrase-file", passphrase)
    assert made.status == 0
    config = rewritten(
        enclave.config("ncsc"), tmp_path / "c.toml", identity=str(key), state=str(tmp_path / "state")
    )
    done = run("publish", source, "--config", config, *WHERE)
    assert "register" in done.error
    assert done.status in (1, 4)


def test_a_configuration_of_another_enclave_is_status_4(
    enclave: Enclave, source: Path, tmp_path: Path
) -> None:
    config = rewritten(
        enclave.config("ncsc"), tmp_path / "c.toml", enclave="0" * 32, state=str(tmp_path / "state")
    )
    done = run("publish", source, "--config", config, *WHERE)
    assert "register" in done.error
    assert done.status == 4


def test_a_configuration_for_another_party_is_status_4(
    enclave: Enclave, source: Path, tmp_path: Path
) -> None:
    config = rewritten(enclave.config("ncsc"), tmp_path / "c.toml", party="ibd")
    done = run("publish", source, "--config", config, *WHERE)
    assert "belongs to ncsc" in done.error
    assert done.status == 4


@pytest.mark.parametrize(
    "change",
    [
        (b'clearance = "depv"', b'clearance = "ong"'),
        (b"version = 1", b"version = 2"),
        (b'enclave = "proef"', b'enclave = "ander"'),
        ("— ".encode(), "— x".encode()),
        (b"\n\n", b"\n"),
        (b"enclave", b"\xff"),
    ],
)
def test_a_register_that_does_not_verify_stops_the_broker(
    enclave: Enclave, tmp_path: Path, change: tuple[bytes, bytes]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(enclave.path, copy, ignore=shutil.ignore_patterns("jetstream", "state", "*.log"))
    note = (copy / "register.note").read_bytes()
    changed = note.replace(*change)
    assert changed != note
    (copy / "register.note").write_bytes(changed)
    done = run_broker_command("run", copy)
    assert done.status == 4, done
    assert "the register" in done.error
    assert "does not verify" in done.error
    assert (copy / "register.note").read_bytes() == changed


def test_a_register_signed_by_too_few_stops_the_broker(enclave: Enclave, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(enclave.path, copy, ignore=shutil.ignore_patterns("jetstream", "state", "*.log"))
    text, _, signatures = (copy / "register.note").read_text().rpartition("\n\n")
    (copy / "register.note").write_text(text + "\n\n" + signatures.splitlines()[0] + "\n")
    done = run_broker_command("run", copy)
    assert "2 are needed" in done.error
    assert done.status == 4


def test_broker_init_leaves_what_is_there_alone(enclave: Enclave, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for target in (tmp_path, enclave.path):
        done = run_broker_command("init", target)
        assert "nothing was changed" in done.error
        assert done.status == 4
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_broker_run_needs_an_enclave(tmp_path: Path) -> None:
    done = run_broker_command("run", tmp_path / "nothing")
    assert "is not an enclave" in done.error
    assert done.status == 4


# -- nobody there -----------------------------------------------------------------------------------


def test_a_port_in_use_is_said(enclave: Enclave, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(enclave.path, copy, ignore=shutil.ignore_patterns("jetstream", "state", "*.log"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = (copy / "broker.toml").read_text()
        (copy / "broker.toml").write_text(re.sub(r"port = \d+", f"port = {port}", text))
        done = run_broker_command("run", copy)
    assert f"port {port} on 127.0.0.1 is in use" in done.error
    assert done.status == 4


def test_a_broker_that_is_not_there_is_status_3(enclave: Enclave, source: Path, tmp_path: Path) -> None:
    config = rewritten(enclave.config("ncsc"), tmp_path / "c.toml", server=f"nats://127.0.0.1:{free_port()}")
    for command in (("publish", source, *WHERE), ("watch",)):
        started = time.monotonic()
        done = run(*command, "--config", config)
        assert "no broker answers at" in done.error
        assert done.status == 3
        assert time.monotonic() - started < 10


def test_a_server_that_says_nothing_is_status_3(enclave: Enclave, source: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = rewritten(
            enclave.config("ncsc"),
            tmp_path / "c.toml",
            server=f"nats://127.0.0.1:{silent.getsockname()[1]}",
        )
        done = run("publish", source, "--config", config, *WHERE)
    assert "no broker answers at" in done.error
    assert done.status == 3


def test_a_server_address_that_is_not_one_is_status_4(enclave: Enclave, source: Path, tmp_path: Path) -> None:
    for address in ("", "http://[", "nats://127.0.0.1:99999", "::::"):
        config = rewritten(enclave.config("ncsc"), tmp_path / "c.toml", server=address)
        done = run("publish", source, "--config", config, *WHERE)
        assert "server" in done.error or "broker" in done.error, done
        assert done.status in (3, 4), done


def test_nats_without_a_broker_is_status_3(new_enclave: NewEnclave, source: Path) -> None:
    enclave = new_enclave("ncsc", "tafel")
    enclave.start_nats()
    done = run("publish", source, "--config", enclave.config("ncsc"), *WHERE, patch=SHORT_DIRECTORY)
    assert "is the broker running?" in done.error
    assert done.status == 3


def test_a_broker_that_went_away_is_status_3(new_enclave: NewEnclave, source: Path) -> None:
    """The directory's last checkpoint is still fresh enough to seal on; nobody answers."""
    enclave = new_enclave("ncsc", "tafel")
    enclave.start_nats()
    enclave.use_own_nats()
    broker = enclave.start()
    assert enclave.publish("ncsc", source, *WHERE).status == 0
    broker.terminate()
    broker.wait(15)
    done = run("publish", source, "--config", enclave.config("ncsc"), *WHERE, patch=SHORT_ANSWER)
    assert done.status == 3
    assert "no broker answered" in done.error
    assert "lines 1" in done.error


def test_a_denial_by_nats_is_a_denial_and_no_time_out(
    new_enclave: NewEnclave, source: Path, tmp_path: Path
) -> None:
    enclave = new_enclave("ncsc", "tafel")
    config = enclave.directory.nats_config
    text = config.read_text()
    own = '          "seinpost.in.depv.parties.publish.ncsc"\n'
    assert text.count(own) == 1
    # Loaded by a hand that is not the broker's: by its tag it is what was rendered.
    changed = tmp_path / "changed.conf"
    changed.write_text(text.replace(own, ""))
    enclave.start_nats(changed)
    enclave.use_own_nats()
    enclave.start()
    started = time.monotonic()
    done = enclave.publish("ncsc", source, "--theme", "parties", "--classification", "depv")
    assert "denies this identity the right to publish on depv/parties" in done.error
    assert done.status == 1
    assert time.monotonic() - started < 5
    # The identity's other lanes are as good as before.
    assert enclave.publish("ncsc", source, *WHERE).status == 0


def test_watch_ends_quietly_when_its_output_is_closed(enclave: Enclave, source: Path) -> None:
    assert enclave.publish("ncsc", source, *WHERE).status == 0
    watching = start("watch", "--config", enclave.config("tafel"), "--from-start", "--json", "--idle", "1")
    assert watching.process.stdout is not None
    watching.process.stdout.close()
    watching.process.stdout = None
    done = watching.finish()
    assert done.stderr == ""
    assert done.status in (0, 1)


# -- a channel of its own ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--host", "0.0.0.0"), "has no TLS"),  # noqa: S104 - what is refused
        (("--tls-name", "localhost"), "of an enclave with TLS"),
        (("--users", "certificate"), "of an enclave with TLS"),
        (("--tls-certificate", "a.crt", "--tls-name", "localhost"), "give all of"),
        (("--trial-pki", "--tls-ca", "ca.pem"), "without the files"),
        (
            (
                "--tls-certificate",
                "a.crt",
                "--tls-key",
                "a.key",
                "--tls-ca",
                "a.pem",
                "--tls-name",
                "localhost",
            ),
            "cannot use the files of [tls]",
        ),
    ],
)
def test_a_channel_is_whole_or_not_there(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = run_broker_command("init", tmp_path / "e", "--party", "ncsc", *words)
    assert (done.status, says in done.error) == (4, True), done
    assert not (tmp_path / "e").exists()


def test_an_enclave_with_certificates_that_were_bought_listens_beyond_this_machine(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    name = "nats.trial.example"
    assert run_broker_command("trial-pki", "new", pki).status == 0
    assert run_broker_command("trial-pki", "server", pki, "--name", name).status == 0
    oin = "00000099000000005000"
    done = run_broker_command(
        "trial-pki", "organisation", pki, "ncsc-1", "--oin", oin, "--organisation", "NCSC"
    )
    assert done.status == 0, done
    again = run_broker_command(
        "trial-pki", "organisation", pki, "ncsc-2", "--oin", "00000001823288444000", "--organisation", "NCSC"
    )
    assert (again.status, "test OIN only" in again.error) == (1, True), again
    files = [
        "--tls-certificate",
        pki / "server.crt",
        "--tls-key",
        pki / "server.key",
        "--tls-ca",
        pki / "ca.pem",
    ]
    port = free_port()
    words = ["--party", "ncsc", "--no-witnesses", "--host", "0.0.0.0", "--port", str(port)]  # noqa: S104
    done = run_broker_command("init", tmp_path / "e", *words, *files, "--tls-name", name)
    assert done.status == 0, done
    made = Enclave(tmp_path / "e", port)
    config = tomllib.loads(made.config("ncsc").read_text())
    assert config["server"] == f"tls://{name}:{port}"
    # The partner puts its two files where its configuration says, and reaches the server by another address here.
    for suffix in ("crt", "key"):
        shutil.copy(pki / f"ncsc-1.{suffix}", made.path / f"identities/ncsc-1-tls.{suffix}")
    config["tls"]["server_name"] = name
    config["server"] = f"tls://127.0.0.1:{port}"
    made.config("ncsc").write_text(tomli_w.dumps(config))
    made.start()
    try:
        done = run("watch", "--config", made.config("ncsc"), "--idle", "1")
        assert done.status == 0, done
    finally:
        made.stop()


def test_a_broker_beyond_this_machine_without_tls_does_not_start(tmp_path: Path) -> None:
    assert run_broker_command("init", tmp_path / "e", "--party", "ncsc", "--no-witnesses").status == 0
    toml = tmp_path / "e" / "broker.toml"
    toml.write_text(toml.read_text().replace("127.0.0.1", "0.0.0.0"))  # noqa: S104
    done = run_broker_command("run", tmp_path / "e")
    assert (done.status, "without [tls]" in done.error) == (4, True), done
