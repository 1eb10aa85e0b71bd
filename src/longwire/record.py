"""`Record`: the base of every Struct that Longwire sends."""

import itertools
import sys
from functools import partial
from typing import Any, Final, Literal, TypeVar, cast, dataclass_transform

from msgspec import NODEFAULT, Struct, StructMeta, field

_M = TypeVar("_M", bound="RecordMeta")


class RecordMeta(StructMeta):
    """Gives every Struct on the wire the same rules.

    Fields are keyword-only, immutable and camelCase. A field whose default is None is omitted
    while it is None; every other default is sent, so a reader does not need to know defaults.
    """

    def __new__(
        mcls: type[_M],
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        frozen: Literal[True] = True,
    ) -> _M:
        """Create the class; type checkers require a base class to declare `frozen`."""
        if bases != (Struct,):
            _send_defaults(namespace)
        return super().__new__(
            mcls,
            class_name,
            bases,
            namespace,
            kw_only=True,
            frozen=frozen,
            rename="camel",
            omit_defaults=True,
        )


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record(Struct, metaclass=RecordMeta, frozen=True):
    """A value on the wire: keyword-only, immutable, camelCase; see `RecordMeta`."""


def _send_defaults(namespace: dict[str, Any]) -> None:
    # msgspec's `omit_defaults` omits every plain default, but only None is to be omitted. It does
    # not apply to defaults that come from a factory (except list, dict and set themselves).
    for name in annotations_in(namespace):
        if name in namespace:
            namespace[name] = _sent_default(namespace[name])


def _sent_default(declared: Any) -> object:
    specified: Any = declared if type(declared) is _FIELD else field(default=declared)
    name, default, factory = specified.name, specified.default, specified.default_factory
    if default is None or (default is NODEFAULT and factory is NODEFAULT):
        return declared
    if factory is not NODEFAULT:
        return field(default_factory=partial(factory), name=name)
    if type(default) in _EMPTY:  # msgspec itself rejects defaults that are not empty
        return declared if default else field(default_factory=_EMPTY[type(default)], name=name)
    return field(default_factory=itertools.repeat(default).__next__, name=name)


_FIELD: Final[Any] = type(cast("object", field()))
_EMPTY: Final[dict[type, Any]] = {list: partial(list), dict: partial(dict), set: partial(set)}


def annotations_in(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return the annotations of a class that is being created."""
    if sys.version_info >= (3, 14):  # PEP 649: annotations are computed on demand
        from annotationlib import Format, call_annotate_function, get_annotate_from_class_namespace

        annotate = get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            return call_annotate_function(annotate, Format.FORWARDREF)
    annotations: dict[str, Any] = namespace.get("__annotations__", {})
    return annotations
