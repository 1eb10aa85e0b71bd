"""Code in other languages, generated from a contract."""

from longwire.codegen.asyncapi import generate_asyncapi
from longwire.codegen.typescript import generate_typescript

__all__ = ["generate_asyncapi", "generate_typescript"]
