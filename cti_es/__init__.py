"""cti-es: what a TAPI application should have been told when a CUCM node failed.

A log of cluster inputs goes in; a pure fold turns it into device homes and TAPI messages; everything else reads,
writes or compares those two things. Start at
:mod:`cti_es.model.replay` for the fold and :mod:`cti_es.logs.store` for logs.
"""

__version__ = "0.1.0"
