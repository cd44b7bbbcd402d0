"""Fields of options in the pages about Python: their defaults and help texts, in place of the call that holds both."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from typing import Any

import griffe

_PACKAGE = "metaclip_curate.options."


class OptionFields(griffe.Extension):
    """Reads the fields that `metaclip_curate.options.fields.option` makes."""

    def on_attribute(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Makes the help text of an option the field's docstring, and its default the value."""
        parent = attr.parent
        if not (attr.path.startswith(_PACKAGE) and parent and parent.is_class and "dataclass" in parent.labels):
            return
        kind = getattr(import_module(attr.module.path), parent.name)
        found = next((field for field in dataclasses.fields(kind) if field.name == attr.name), None)
        if found and "help" in found.metadata:
            help_text: str = found.metadata["help"].replace("%%", "%")
            attr.value = repr(found.default)
            attr.docstring = griffe.Docstring(f"{help_text[:1].upper()}{help_text[1:]}.", parent=attr)
