"""Where logs live, and how they are read, appended to and verified."""
