"""
Records in Airflow's Variables, read in the API server.

A task reads them through the API server; the API server itself reads its database. It does not write them: the page
does, through Airflow's public REST API, so that the rights of the user decide.
"""

from __future__ import annotations

from airflow.models.variable import Variable
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.variable_store import VariableStore


class MetadataVariables(VariableStore):
    """
    Airflow Variables of one task of one run, as the database holds them.

    :param task: of the records
    """

    def read(self, name: str) -> bytes | None:
        """
        Return the Variable, or None if there is none.

        :raises EkycJournalError: if it can't be decrypted
        """
        key = self.key(name)
        with create_session() as session:
            found = session.scalar(select(Variable).where(Variable.key == key))
            if found is None:
                return None
            value = found.get_val()
        if value is None:
            raise EkycJournalError(f"The Airflow Variable {key} can't be decrypted: was [core] fernet_key changed?")
        return str(value).encode()

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """Refuse: the page writes Variables, with the rights of its user."""
        raise EkycJournalError(f"The Airflow Variable {self.key(name)} is not written by the API server.")

    def names(self, prefix: str) -> list[str] | None:
        """Return the names of the Variables."""
        start = self.key(prefix)
        with create_session() as session:
            keys = session.scalars(select(Variable.key).where(Variable.key.startswith(start, autoescape=True))).all()
        return [key.removeprefix(self.key("")) for key in keys if key.startswith(start)]
