"""Files that grow → a log that grows (docs/reference/commands/ingest.md)."""
