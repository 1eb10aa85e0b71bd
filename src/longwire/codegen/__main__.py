"""`python -m longwire.codegen` prints the catalogue's TypeScript."""

import sys

from longwire.catalog import CATALOG
from longwire.codegen.typescript import generate_typescript

sys.stdout.write(generate_typescript(CATALOG))
