"""The forms of traces that are read, one file a form."""
