"""`python -m longwire.cli` is `longwire`."""

from longwire.cli import main

main()
