"""A mail server that keeps what it is sent, on 127.0.0.1."""

from __future__ import annotations

import email
import email.policy
import socket
from email.message import EmailMessage

from dev.testing.sockets import SocketServer


class SmtpServer(SocketServer):
    """Accepts each mail, without TLS and without a login."""

    def __init__(self) -> None:
        super().__init__(self._receive)
        self._mails: list[bytes] = []

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails so far."""
        return [email.message_from_bytes(mail, policy=email.policy.default) for mail in list(self._mails)]

    def connection(self) -> dict[str, object]:
        """Describe it as an Airflow connection."""
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.com"}
        return {"conn_type": "smtp", "host": "127.0.0.1", "port": self.port, "extra": extra}

    def _receive(self, connection: socket.socket) -> None:
        connection.sendall(b"220 a made-up mail server\r\n")
        lines = connection.makefile("rb")
        while line := lines.readline():
            command = line.split()[0].upper() if line.split() else b""
            if command == b"DATA":
                connection.sendall(b"354 go on\r\n")
                mail = b""
                while (row := lines.readline()) not in (b".\r\n", b""):
                    mail += row.removeprefix(b".") if row.startswith(b"..") else row
                self._mails.append(mail)
            connection.sendall(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                return
