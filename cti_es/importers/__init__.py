"""Real cluster logs → what they claim to have happened (reference/cucm-logs.md §4, §5).

Knows the vocabulary of a log and nothing of stores or of the fold: whether a claim fits is for ``cti_es.importing``.
"""
