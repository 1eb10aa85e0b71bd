"""Checks that the fields of a type can express patches."""

from msgspec import inspect

from longwire.errors import ContractError
from longwire.schema.declaration import Declaration
from longwire.schema.json_schema import children_of, is_unset, may_be_absent

# Values of these are replaced whole, so a patch contains all that is in them.
_WHOLE = (inspect.CollectionType, inspect.TupleType)


def check_patch_fields(declaration: Declaration) -> None:
    """Check the fields of an `Event` or a dataclass with `Merge`; a pydantic model needs no check.

    A field that every patch has to contain is required; any other one is UNSET by default. Another
    default would be sent with each patch and overwrite the value. Within nested objects, a field
    that is left out while it has its default would keep the value of an earlier object.

    Raises:
        ContractError: a field has another default, or a field of the key or of the room may be
            left out.
    """
    name = declaration.name
    fixed = {*declaration.key, *(declaration.room.parameters if declaration.room else ())}
    info = inspect.type_info(declaration.model)
    for field in _fields_of(info):
        if field.name in fixed and not field.required:
            raise ContractError(f"{name}: field {field.name!r} of the key or room must be required")
        if not (field.required or is_unset(field) or field.name == "timestamp"):
            raise ContractError(
                f"{name}: with Merge, field {field.name!r} must be required or default to UNSET, "
                "since its default would be sent with each patch"
            )
    seen = {declaration.model}
    for field in _fields_of(info):
        _check_nested(name, field.type, seen)


def _check_nested(name: str, info: inspect.Type, seen: set[type]) -> None:
    if isinstance(info, _WHOLE):
        return
    if isinstance(info, inspect.StructType) and info.cls not in seen:
        seen.add(info.cls)
        config = getattr(info.cls, "__origin__", info.cls).__struct_config__
        for field in info.fields:
            if may_be_absent(field, config.omit_defaults) and not is_unset(field):
                raise ContractError(
                    f"{name}: with Merge, field {field.name!r} of {info.cls.__name__} must be "
                    "required or default to UNSET, since leaving it out keeps its older value"
                )
    elif isinstance(info, inspect.StructType):
        return
    for child in children_of(info):
        _check_nested(name, child, seen)


def _fields_of(info: inspect.Type) -> tuple[inspect.Field, ...]:
    return info.fields if isinstance(info, inspect.StructType | inspect.DataclassType) else ()
