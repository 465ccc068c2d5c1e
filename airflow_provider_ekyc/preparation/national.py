"""Read numbers as they are written within a country, through the package phonenumbers."""

from __future__ import annotations

from typing import Any

from airflow_provider_ekyc.exceptions import EkycSettingsError


class NationalNumbers:
    """
    Reads numbers of one country.

    :param region: two letters of ISO 3166, in any case
    :raises EkycSettingsError: if the extra ``phonenumbers`` is not installed, or does not know the region
    """

    def __init__(self, region: str) -> None:
        try:
            import phonenumbers
        except ImportError:
            raise EkycSettingsError(
                "default_region needs the package phonenumbers. No request was sent. Install "
                '"airflow-provider-ekyc[phonenumbers]" on the workers.'
            ) from None
        self._region = region.strip().upper()
        if self._region not in phonenumbers.SUPPORTED_REGIONS:
            raise EkycSettingsError(
                "default_region is not a country that phonenumbers knows. No request was sent. Set it to two letters "
                "of ISO 3166, such as US."
            )
        self._phonenumbers: Any = phonenumbers
        self._code = str(phonenumbers.country_code_for_region(self._region))

    def readings(self, digits: str) -> set[int]:
        """
        Return the valid numbers that digits without a plus can mean.

        Within the region they may be a national number, or one with the region's own country code before it; where
        they begin as an international call does there, or with 00, also one of another country. Nothing but the
        prefixes of calls is ever dropped.

        :param digits: ASCII digits
        """
        phonenumbers = self._phonenumbers
        found: set[int] = set()
        own = self._parsed(digits, self._region)
        if own is not None:
            number, value = own
            is_national = number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
            if is_national or digits.endswith(str(value)):
                found.add(value)
            if is_national and not digits.startswith((self._code, "00")):
                return found
        if digits.startswith(("00", self._code)):
            abroad = digits.removeprefix("00")
            self._add(found, f"+{abroad}", exactly=abroad)
        self._add(found, f"+{self._code}{digits}")
        return found

    def _add(self, found: set[int], text: str, *, exactly: str | None = None) -> None:
        parsed = self._parsed(text, None)
        if parsed is not None and (exactly is None or str(parsed[1]) == exactly):
            found.add(parsed[1])

    def _parsed(self, text: str, region: str | None) -> tuple[Any, int] | None:
        phonenumbers = self._phonenumbers
        try:
            number = phonenumbers.parse(text, region, keep_raw_input=True)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_valid_number(number):
            return None
        return number, int(f"{number.country_code}{phonenumbers.national_significant_number(number)}")
