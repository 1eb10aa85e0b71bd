"""Code in other languages, generated from a contract."""

from longwire.codegen.typescript import generate_typescript

__all__ = ["generate_typescript"]
