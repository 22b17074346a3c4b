"""Checks values against JSON schemas in files: the part of JSON Schema 2020-12 that config/schema uses, and no more.

A keyword that is not known here is an error, so that no schema says what nobody checks.
"""
import json
import pathlib
import re
from typing import Any, Iterator

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
ABOUT = {"$schema", "$defs", "title", "description", "contentEncoding"}


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


class Checker:
    """Reads schema files of one directory; `$ref` leads to others of it."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.files: dict[str, Any] = {}

    def problems(self, name: str, value: Any) -> list[str]:
        return list(self.walk(value, self.load(name), name, ""))

    def load(self, name: str) -> Any:
        if name not in self.files:
            self.files[name] = json.loads((self.directory / name).read_text())
        return self.files[name]

    def follow(self, reference: str, current: str) -> tuple[Any, str]:
        name, _, pointer = reference.partition("#")
        name = name or current
        schema = self.load(name)
        for key in pointer.split("/")[1:]:
            schema = schema[key]
        return schema, name

    def walk(self, value: Any, schema: Any, name: str, where: str) -> Iterator[str]:
        for keyword, argument in schema.items():
            if keyword in ABOUT or keyword in ("properties", "additionalProperties", "propertyNames"):
                continue
            rule = getattr(self, "check_" + keyword.lstrip("$"), None)
            if rule is None:
                raise NotImplementedError(f"{name}: keyword {keyword}")
            yield from rule(argument, value, name, where)
        if isinstance(value, dict):
            yield from self.check_members(schema, value, name, where)

    def check_ref(self, reference, value, name, where):
        schema, name = self.follow(reference, name)
        yield from self.walk(value, schema, name, where)

    def check_type(self, wanted, value, _name, where):
        if not TYPES[wanted](value):
            yield f"{where}: got {value!r}, expected {wanted}"

    def check_const(self, wanted, value, _name, where):
        if not same(value, wanted):
            yield f"{where}: got {value!r}, expected {wanted!r}"

    def check_enum(self, wanted, value, _name, where):
        if not any(same(value, one) for one in wanted):
            yield f"{where}: got {value!r}, expected one of {wanted}"

    def check_minimum(self, least, value, _name, where):
        if TYPES["integer"](value) and value < least:
            yield f"{where}: got {value}, expected at least {least}"

    def check_pattern(self, pattern, value, _name, where):
        if isinstance(value, str) and not re.search(pattern, value):
            yield f"{where}: got {value!r}, expected {pattern}"

    def check_required(self, keys, value, _name, where):
        if isinstance(value, dict):
            yield from (f"{where}: '{key}' is missing" for key in keys if key not in value)

    def check_items(self, schema, value, name, where):
        if isinstance(value, list):
            for number, element in enumerate(value):
                yield from self.walk(element, schema, name, f"{where}/{number}")

    def matching(self, schemas, value, name, where):
        return [schema for schema in schemas if not list(self.walk(value, schema, name, where))]

    def check_anyOf(self, schemas, value, name, where):
        if not self.matching(schemas, value, name, where):
            yield f"{where}: {value!r} is nothing that may be there"

    def check_oneOf(self, schemas, value, name, where):
        if len(self.matching(schemas, value, name, where)) != 1:
            yield f"{where}: {value!r} is not exactly one of what may be there"

    def check_members(self, schema, value, name, where):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for key, member in value.items():
            inside = f"{where}/{key}"
            if "propertyNames" in schema:
                yield from self.walk(key, schema["propertyNames"], name, inside)
            if key in known:
                yield from self.walk(member, known[key], name, inside)
            elif others is False:
                yield f"{inside}: is not expected"
            elif others is not True:
                yield from self.walk(member, others, name, inside)
