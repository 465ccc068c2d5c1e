"""A certificate authority of the sandbox's own, so that clients can verify TLS as they do in production."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LIFE = timedelta(days=7)


@dataclass(frozen=True)
class Certificate:
    """A server certificate on disk.

    :param cert_file: PEM with the certificate (and its chain).
    :param key_file: PEM with the private key.
    :param ca_file: PEM of the authority that clients must trust; ``None`` if it is not the sandbox's own.
    """

    cert_file: Path
    key_file: Path
    ca_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """What the server needs.

        :raises OSError: if a file can't be read, or is not a PEM that fits (``ssl.SSLError``).
        """
        for file in (self.cert_file, self.key_file):
            # Unlike ssl, what this raises names the file.
            file.open("rb").close()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def make_certificate(directory: Path) -> Certificate:
    """Make an authority and, with it, a certificate for 127.0.0.1, ::1 and localhost, good for seven days.

    :param directory: where ``ca.pem``, ``server.pem`` and ``server.key`` go.
    :raises ModuleNotFoundError: without ``cryptography``: install ``airflow-provider-ekyc[sandbox]``.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("TLS needs cryptography: pip install 'airflow-provider-ekyc[sandbox]'") from missing

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)

    def blank(subject: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("eKYC sandbox, made up"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            # A clock that is a little behind must not refuse it.
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + _LIFE)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    ca = (
        blank("eKYC sandbox, made up", ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    hosts: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    server = (
        blank("localhost", server_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    made = Certificate(directory / "server.pem", directory / "server.key", directory / "ca.pem")
    (directory / "ca.pem").write_bytes(ca.public_bytes(pem))
    made.cert_file.write_bytes(server.public_bytes(pem))
    made.key_file.write_bytes(
        server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made
