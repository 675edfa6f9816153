"""Real cluster logs → what they claim to have happened (docs/reference/imports.md).

Whether a claim fits the log is for ``cti_es.cucm.importing``; nothing else here knows of stores or of the fold.
"""
