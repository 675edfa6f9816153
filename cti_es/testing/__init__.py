"""For the tests of others: logs to test with."""
