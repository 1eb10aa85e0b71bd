"""Open vocabularies: payload types that accept more values than their classes declare.

msgspec compiles a class's annotations into its decoder, so a wider vocabulary needs another class.
It only validates and describes: a decoded payload becomes an instance of the declared class again,
so that handlers, comparisons and `isinstance` see one type.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from longwire.errors import ContractError

Values = tuple[str, ...]
"""Values that a contract adds to a vocabulary."""

_UNIONS: Final = (Union, types.UnionType)
_field: Any = msgspec.field
_SEQUENCES: Final[frozenset[Any]] = frozenset({list, tuple, set, frozenset})


def vocabulary_title(vocabulary: object) -> str:
    """Return the name of a vocabulary.

    Raises:
        ContractError: it is not an `Annotated[Literal["…"], Meta(title="…")]` of strings.
    """
    title = _title_of(vocabulary)
    if title is None or not all(isinstance(value, str) for value in _literals_of(vocabulary)):
        raise ContractError(
            f"{vocabulary!r:.80} is not a vocabulary: it must be"
            ' Annotated[Literal["…"], Meta(title="…")] with strings'
        )
    return title


def merged_additions(*additions: Mapping[str, Values]) -> dict[str, Values]:
    """Return the values that several contracts add, without duplicates."""
    merged: dict[str, Values] = {}
    for title, values in (item for each in additions for item in each.items()):
        merged[title] = tuple(dict.fromkeys((*merged.get(title, ()), *values)))
    return merged


def wider_model(model: type, additions: Mapping[str, Values]) -> WiderModel | None:
    """Return a payload type with wider vocabularies, or None if it uses none of them.

    Args:
        model: the payload type.
        additions: the added values, by the title of the vocabulary.

    Raises:
        ContractError: the type uses one of the vocabularies in a way that cannot be widened.
    """
    widener = _Widener(additions)
    wider = widener.widen(model)
    return None if wider is model else WiderModel(wider, widener.originals)


class WiderModel:
    """A payload type with wider vocabularies.

    Attributes:
        model: the type to validate with and to describe.
    """

    def __init__(self, model: type, originals: Mapping[type, type]) -> None:
        self.model = model
        self._originals = originals

    def restore(self, value: Any) -> Any:
        """Return a decoded value as an instance of the declared classes."""
        kind: Any = value.__class__
        original: Any = self._originals.get(kind)
        if original is not None:
            names = value.__struct_fields__
            return original(**{name: self.restore(getattr(value, name)) for name in names})
        if kind in _SEQUENCES:
            return kind(map(self.restore, value))
        if kind is dict:
            return {key: self.restore(item) for key, item in value.items()}
        return value


class _Widener:
    """Replaces vocabularies in types; each Struct that contains one gets a wider twin."""

    def __init__(self, additions: Mapping[str, Values]) -> None:
        self.originals: dict[type, type] = {}
        self._additions = additions
        self._done: dict[type, Any] = {}
        self._open: list[type] = []
        self._recursive: set[type] = set()

    def widen(self, annotation: Any) -> Any:
        """Return the annotation with wider vocabularies; the same object if it contains none."""
        added = self._additions.get(_title_of(annotation) or "")
        if added is not None:
            _, *metadata = get_args(annotation)
            values = tuple(dict.fromkeys((*_literals_of(annotation), *added)))
            return Annotated[(Literal[values], *metadata)]
        if isinstance(annotation, type) and get_origin(annotation) is None:
            return self._widen_class(annotation)
        return self._widen_generic(annotation)

    def _widen_class(self, model: Any) -> Any:
        if model in self._open:
            self._recursive.add(model)
            return model
        if model not in self._done:
            self._open.append(model)
            self._done[model] = self._twin_of(model)
            self._open.pop()
        return self._done[model]

    def _twin_of(self, model: Any) -> Any:
        if not (issubclass(model, msgspec.Struct) or hasattr(model, "__annotations__")):
            return model
        hints = _hints_of(model)
        wider = {name: self.widen(hint) for name, hint in hints.items()}
        if all(wider[name] is hints[name] for name in hints):
            return model
        if not issubclass(model, msgspec.Struct):
            raise ContractError(
                f"{model.__name__} is not an Event or a Record: widen its vocabulary there"
            )
        if model in self._recursive:
            raise ContractError(f"{model.__name__} refers to itself: replace it instead")
        twin = _twin(model, wider)
        self.originals[twin] = model
        return twin

    def _widen_generic(self, annotation: Any) -> Any:
        arguments = get_args(annotation)
        wider = tuple(map(self.widen, arguments))
        if all(old is new for old, new in zip(arguments, wider, strict=True)):
            return annotation
        origin: Any = get_origin(annotation)
        if origin in _UNIONS:
            return functools.reduce(_either, wider)
        if origin is Annotated:
            return Annotated[(wider[0], *arguments[1:])]
        if isinstance(origin, type) and hasattr(origin, "__annotations__"):
            raise ContractError(f"{origin.__name__} is generic: replace it instead")
        return _subscript(origin, wider)


def _subscript(generic: Any, arguments: tuple[Any, ...]) -> Any:
    return generic[arguments]


def _either(one: Any, other: Any) -> Any:
    return one | other


def _twin(model: type[msgspec.Struct], hints: Mapping[str, Any]) -> type[msgspec.Struct]:
    config = model.__struct_config__
    fields: list[tuple[str, Any, Any]] = [
        (
            field.name,
            hints[field.name],
            _field(
                default=field.default,
                default_factory=field.default_factory,
                name=field.encode_name,
            ),
        )
        for field in msgspec.structs.fields(model)
    ]
    return msgspec.defstruct(
        model.__name__,
        fields,
        module=model.__module__,
        namespace={"__doc__": model.__doc__},
        kw_only=True,
        omit_defaults=config.omit_defaults,
        forbid_unknown_fields=config.forbid_unknown_fields,
        array_like=config.array_like,
        tag=config.tag,
        tag_field=config.tag_field,
    )


def _hints_of(model: Any) -> dict[str, Any]:
    if issubclass(model, msgspec.Struct):
        return {field.name: field.type for field in msgspec.structs.fields(model)}
    try:
        return get_type_hints(model, include_extras=True)
    except (NameError, TypeError):  # a class of the standard library, for example
        return {}


def _title_of(annotation: Any) -> str | None:
    if get_origin(annotation) is not Annotated or not _literals_of(annotation):
        return None
    titles = [meta.title for meta in annotation.__metadata__ if isinstance(meta, Meta)]
    return next(filter(None, titles), None)


def _literals_of(annotation: Any) -> tuple[Any, ...]:
    inner = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return get_args(inner) if get_origin(inner) is Literal else ()
