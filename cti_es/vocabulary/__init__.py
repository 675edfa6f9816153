"""What can be said: events, TAPI messages, names, times, lines of text, errors."""
