"""``python -m cti_es_cli`` is ``cti-es``."""

from cti_es_cli.main import main

main()
