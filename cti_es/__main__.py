"""``python -m cti_es`` is ``cti-es``: the one place of the library that knows the command line."""

from cti_es_cli.main import main

main()
