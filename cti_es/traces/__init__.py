"""Text forms of logs and traces."""
