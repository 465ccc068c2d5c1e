"""
How requests name their sender: this package and Airflow, each with its version, and nothing of the deployment.

So a vendor's or a proxy's log shows which software asks, and an old release can be found.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import metadata

from airflow_provider_ekyc import __version__

PACKAGE = "airflow-provider-ekyc"
#: Where Airflow's version is: the second where an image has the core without the package that bundles it.
AIRFLOW_PACKAGES = ("apache-airflow", "apache-airflow-core")


@lru_cache(maxsize=1)
def user_agent() -> str:
    """Return the ``User-Agent`` of each request to the API, to the store of a result, and to a proxy before them."""
    return compose_user_agent(metadata.version)


def compose_user_agent(find_version: Callable[[str], str]) -> str:
    """
    Compose a ``User-Agent`` (RFC 9110, section 10.1.5), such as
    ``airflow-provider-ekyc/0.1.0 apache-airflow/3.3.2``.

    A local version label (``+...``) is left out: it would say whose build of Airflow this is.

    :param find_version: returns the version of an installed package, or raises ``PackageNotFoundError``
    """
    products = [f"{PACKAGE}/{__version__}"]
    for package in AIRFLOW_PACKAGES:
        try:
            version = find_version(package).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
        products.append(f"{AIRFLOW_PACKAGES[0]}/{version}")
        break
    return " ".join(products)
