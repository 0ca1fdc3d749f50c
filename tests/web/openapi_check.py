"""A small judge of JSON against the part of JSON Schema that the API's description uses."""

from collections.abc import Iterator
from typing import Any

KINDS: dict[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def faults(spec: Any, schema: Any, value: Any, place: str = "$") -> list[str]:
    """Where ``value`` is not what ``schema`` says; an object may hold nothing that is not described."""
    if "$ref" in schema:
        schema = resolved(spec, schema["$ref"])
    if "anyOf" in schema:
        tries = [faults(spec, choice, value, place) for choice in schema["anyOf"]]
        return [] if [] in tries else min(tries, key=len)
    if not KINDS[schema["type"]](value):
        return [f"{place}: {value!r} is no {schema['type']}"]
    if schema["type"] == "array":
        return [fault for n, item in enumerate(value) for fault in faults(spec, schema["items"], item, f"{place}[{n}]")]
    return list(_of_object(spec, schema, value, place)) if schema["type"] == "object" else []


def _of_object(spec: Any, schema: Any, value: Any, place: str) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place}.{name}: missing"
    for name, item in value.items():
        if name in known:
            yield from faults(spec, known[name], item, f"{place}.{name}")
        elif isinstance(others, dict):
            yield from faults(spec, others, item, f"{place}.{name}")
        else:
            yield f"{place}.{name}: not described"


def resolved(spec: Any, reference: str) -> Any:
    found = spec
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(value: Any) -> Iterator[str]:
    """Every $ref anywhere in ``value``."""
    if isinstance(value, dict):
        yield from (item for name, item in value.items() if name == "$ref")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(item)
