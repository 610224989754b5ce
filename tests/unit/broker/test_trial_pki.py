# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Trial certificates have the shape of G4, verify with OpenSSL, and are for test OINs only."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import ExtensionOID, NameOID

from seinpost_broker.adapters.trial_pki_files import CA_FILE, CRL_FILE, OTHER, TLS, TrialPkiFiles
from seinpost_broker.core.trial_pki import (
    KEY_BITS,
    Purpose,
    issue_organisation,
    issue_server,
    organisation_name,
)
from seinpost_schemas.errors import MalformedError, SetupError

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
OIN = "00000099000000005000"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> TrialPkiFiles:
    files = TrialPkiFiles(tmp_path_factory.mktemp("pki") / "pki")
    files.found(NOW)
    files.issue("server", TLS, lambda ca: issue_server(ca, ["nats.trial.example"], OIN, NOW))
    for purpose in (Purpose.AUTHENTICATION, Purpose.AUTHENTICITY):
        files.issue(
            purpose.value,
            OTHER,
            lambda ca, purpose=purpose: issue_organisation(ca, "NCSC", OIN, purpose, NOW),
        )
    return files


def chain(pki: TrialPkiFiles, name: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((pki.path / f"{name}.crt").read_bytes())


def openssl(*words: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "purpose"), [("server", "sslserver"), ("authentication", "sslclient"), ("authenticity", "any")]
)
def test_openssl_verifies_the_chain(pki: TrialPkiFiles, name: str, purpose: str, tmp_path: Path) -> None:
    crt = pki.path / f"{name}.crt"
    words = [
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        pki.path / CA_FILE,
        "-untrusted",
        crt,
        crt,
    ]
    assert openssl(*words) == f"{crt}: OK\n"
    assert "OK" not in openssl("verify", "-no-CAfile", "-no-CApath", "-untrusted", crt, crt)


@pytest.mark.parametrize("name", ["server", "authentication", "authenticity"])
def test_every_certificate_is_signed_with_pss_and_sha_512(pki: TrialPkiFiles, name: str) -> None:
    certificates = chain(pki, name)
    assert len(certificates) == 3
    for certificate in certificates:
        assert certificate.public_key().key_size == KEY_BITS  # type: ignore[union-attr]
        parameters = certificate.signature_algorithm_parameters
        assert isinstance(parameters, padding.PSS)
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA512)
        assert parameters._salt_length == 64
        assert "TRIAL" in certificate.subject.rfc4514_string()


def test_servers_have_names_and_organisations_none(pki: TrialPkiFiles) -> None:
    server, organisation = chain(pki, "server")[0], chain(pki, "authentication")[0]
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("nats.trial.example")]
    with pytest.raises(x509.ExtensionNotFound):
        organisation.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    (number,) = organisation.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    assert number.value == OIN


def test_a_certificate_has_one_purpose(pki: TrialPkiFiles) -> None:
    uses = {
        name: {
            u.dotted_string
            for u in chain(pki, name)[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        }
        for name in ("server", "authentication", "authenticity")
    }
    assert uses == {
        "server": {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"},
        "authentication": {"1.3.6.1.5.5.7.3.2"},
        "authenticity": {"1.3.6.1.4.1.311.10.3.12", "1.3.6.1.5.5.7.3.36"},
    }


def test_a_real_oin_an_address_and_a_long_name_are_refused(pki: TrialPkiFiles) -> None:
    with pytest.raises(MalformedError, match="test OIN only"):
        organisation_name("NCSC", "00000001823288444000")
    with pytest.raises(MalformedError, match="at most"):
        organisation_name("x" * 59, OIN)
    for names in ([], ["127.0.0.1"], ["localhost", "::1"]):
        with pytest.raises(MalformedError, match="DNS names"):
            pki.issue("other", TLS, lambda ca, names=names: issue_server(ca, names, OIN, NOW))


def test_keys_are_private_and_nothing_is_overwritten(pki: TrialPkiFiles) -> None:
    for key in pki.path.glob("*.key"):
        assert key.stat().st_mode & 0o777 == 0o600
    assert pki.path.stat().st_mode & 0o777 == 0o700
    with pytest.raises(SetupError, match="not empty"):
        pki.found(NOW)
    with pytest.raises(SetupError, match="exists already"):
        pki.issue("server", TLS, lambda ca: issue_server(ca, ["localhost"], OIN, NOW))
    with pytest.raises(SetupError, match="not a trial PKI"):
        TrialPkiFiles(pki.path / "nowhere").issue("x", TLS, lambda ca: issue_server(ca, ["x"], OIN, NOW))


def test_a_revoked_certificate_stays_on_the_list(pki: TrialPkiFiles) -> None:
    for name in ("authentication", "server", "authenticity"):
        pki.revoke(pki.path / f"{name}.crt", NOW)
    text = (pki.path / CRL_FILE).read_bytes()
    end = b"-----END X509 CRL-----\n"
    lists = [x509.load_pem_x509_crl(part + end) for part in text.split(end) if part.strip()]
    assert {r.serial_number for crl in lists for r in crl} == {
        chain(pki, n)[0].serial_number for n in ("authentication", "server", "authenticity")
    }
    crt = pki.path / "authentication.crt"
    words = ["-CAfile", pki.path / CA_FILE, "-untrusted", crt, "-CRLfile", pki.path / CRL_FILE, crt]
    assert "revoked" in openssl("verify", "-crl_check", *words)
