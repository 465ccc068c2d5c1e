"""The wheel alone under one version: no extra, nothing of this repository's tools, in an empty environment."""

from __future__ import annotations

from typing import Any

from airflow_provider_ekyc import __version__
from airflow_provider_ekyc.get_provider_info import get_provider_info
from dev.stack.airflow_dag_test import DagTest
from dev.stack.compat.checks import EXAMPLES, expected_form
from dev.stack.compat.findings import Findings
from dev.stack.compat.versions import BareVersion, CompatError

PACKAGE = "airflow-provider-ekyc"
#: What only an extra brings, by the name that is imported.
EXTRAS = frozenset({"cryptography", "openpyxl", "phonenumbers", "pyarrow", "pyiceberg"})


class BareChecks:
    """The checks of the wheel alone.

    :param version: the version, installed
    :param findings: takes what was found
    """

    def __init__(self, version: BareVersion, findings: Findings) -> None:
        self._version = version
        self._findings = findings

    def run(self) -> str:
        """Run all checks.

        :return: what was seen, in a few words
        :raises CompatError: for the first that does not hold
        """
        self._findings.note("bare_install")
        version = self._version
        airflow = DagTest(version.python, version.home, EXAMPLES, {}, version.folder)
        found = airflow.inside("bare")
        imported, form = found["imports"], airflow.inside("connection_form")
        self._imports(imported)
        self._findings.note("bare_imports")
        self._findings.note("retry_policy", imported["has_retry_policy"])
        self._metadata(found["metadata"])
        self._findings.note("bare_metadata")
        if not form["listed"] or form["fields"] != expected_form(version.number):
            raise CompatError(f"the connection form has the fields {form['fields']}")
        return f"the wheel alone: {imported['modules']} modules, provider metadata, {len(form['fields'])} fields"

    def _imports(self, found: dict[str, Any]) -> None:
        if found["tools"]:
            raise CompatError(f"the environment is not empty: {found['tools']}")
        top = [name for name in found["top_level"] if not name.endswith(".dist-info")]
        if set(top) - {"airflow_provider_ekyc", "bin"}:
            raise CompatError(f"the wheel installs {top}")
        wrong = {name: missing for name, missing in found["missing"].items() if missing not in EXTRAS}
        if wrong:
            raise CompatError(f"modules that are not imported: {wrong}")

    def _metadata(self, found: dict[str, Any]) -> None:
        info = get_provider_info()
        if found["version"] != __version__ or found["data"] is None:
            raise CompatError(f"the provider manager knows version {found['version']}")
        (kind,) = info["connection-types"]
        if found["hook"] != [kind["hook-class-name"], kind["hook-name"], PACKAGE]:
            raise CompatError(f"the connection type has the hook {found['hook']}")
        if found["links"] != sorted(info["extra-links"]):
            raise CompatError(f"the provider manager knows the links {found['links']}")
        options = [name for section in found["config"] for name in section["ekyc"]["options"]]
        if options != list(info["config"]["ekyc"]["options"]):
            raise CompatError(f"the section [ekyc] has the options {options}")
