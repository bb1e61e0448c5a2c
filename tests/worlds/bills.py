"""Documents of what is in something, held to the schema that CycloneDX publishes."""


def fault(text: str) -> object:
    """Return what is wrong with it; None: nothing."""
    # Of the extra `release`, which most tests go without.
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
