"""Documents held against the schemas that the package ships."""

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator

from memcollect.schema.shipped import shipped


@functools.cache
def validator(kind: str) -> Draft202012Validator:
    """Return what holds documents of a kind against its schema, which itself is one."""
    schema = json.loads(shipped(kind))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def faults(kind: str, document: Any) -> list[str]:
    """Return where a document is not as the schema says, and how."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator(kind).iter_errors(document)]
