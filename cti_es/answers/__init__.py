"""Why a message came, and why a device is where it is."""
