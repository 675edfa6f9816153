"""The command line of cti-es: one module per command, ``sources`` (SOURCE → log) and ``output`` (rows → text)."""
