"""What each rule identifier means, in words: ``explain`` and the reports print them.

An identifier is ``EVENT/STEP``: the type of the event and the step that sent the message. These are all that can occur;
docs/reference/rules.md#rule-identifiers says more about each.
"""

RULES: dict[str, str] = {
    "node_failed/suspend": (
        "The node that was the device's home failed. Every device of that node is suspended first, with its lines."
    ),
    "node_failed/resume": (
        "The home failed, and another node of the device's CallManager group was in service and took it."
    ),
    "node_recovered/suspend": (
        "A node that stands earlier in the device's group came back and no call was active, so the device is re-homed."
    ),
    "node_recovered/resume": (
        "A node of the group came back: the device, re-homed or out of service until then, was opened there."
    ),
    "node_recovered/close": (
        "Every node of the group is back in service and none takes the device, so the system closes it."
    ),
    "node_recovered/settle": (
        "The home refuses the line, every node of the group is in service and no move is due that could help: the"
        " system closes the line."
    ),
    "device_opened/open": "What was opened was out of service at that moment; the application is told at once.",
    "device_opened/close": (
        "Every node of the group is in service and none takes the device, so what was just opened is closed."
    ),
    "device_opened/settle": (
        "The home refuses the line, every node of the group is in service and no move is due that could help: the"
        " line that was just opened is closed."
    ),
    "line_opened/open": "The line was out of service when it was opened; the application is told at once.",
    "line_opened/close": (
        "Every node of the group is in service and none takes the device, so the line that was just opened is closed."
    ),
    "line_opened/settle": (
        "The home refuses the line, every node of the group is in service and no move is due that could help: the"
        " line that was just opened is closed."
    ),
    "open_refused/settle": (
        "The refusal called off the move that the line was waiting for; with every node in service nothing can help"
        " it any more, so the system closes it."
    ),
    "open_allowed/suspend": (
        "A node that stands earlier in the device's group accepts it again and no call was active, so it is re-homed."
    ),
    "open_allowed/resume": (
        "A node of the group accepts the device again: it was opened there, re-homed or after having been out."
    ),
    "open_allowed/settle": (
        "What the nodes accept has changed: the line is in service again where the home accepts it, or closed where"
        " nothing can help it any more."
    ),
    "call_ended/suspend": "The last call on the device ended, and the re-homing that had waited for it begins.",
    "call_ended/resume": (
        "The last call on the device ended: the re-homing that had waited for it is complete, or the phone that had"
        " waited for it was opened again."
    ),
    "call_ended/settle": (
        "The re-homing that had waited for the call took the device to a node that refuses the line; nothing can help"
        " it any more, so the system closes it."
    ),
    "cti_manager_failed/link_lost": (
        "The CTI Manager that the application was linked to failed: everything that it has open goes out of service"
        " for it."
    ),
    "cti_manager_failed/reconnect": (
        "The application's TSP connected to the next CTI Manager of its list, and opened again what is in service."
    ),
    "cti_manager_recovered/reconnect": (
        "A CTI Manager of the application's list is back; its TSP, which had no link, connected to it and opened again"
        " what is in service."
    ),
    "node_failed/link_lost": (
        "The node failed with the CTI Manager that the application was linked to: everything that it has open goes out"
        " of service for it, before the devices of that node are suspended."
    ),
    "node_failed/reconnect": (
        "The node failed with the CTI Manager that the application was linked to; its TSP connected to the next one of"
        " its list, and opened again what is in service."
    ),
    "node_recovered/reconnect": (
        "The node came back with its CTI Manager; the application's TSP, which had no link, connected to it and opened"
        " again what is in service."
    ),
    "device_opened/announce": "The line was in service when it was opened, and the TSP announces that.",
    "line_opened/announce": "The line was in service when it was opened, and the TSP announces that.",
    "device_failed/suspend": "The device itself is away; no node can be its home until it is back.",
    "device_recovered/resume": "The device itself is back: it was opened at the first node of its group that took it.",
    "device_recovered/close": (
        "The device itself is back, every node of its group is in service and none takes it, so the system closes it."
    ),
    "device_recovered/settle": (
        "The device itself is back, but its home refuses the line; nothing can help the line any more, so the system"
        " closes it."
    ),
    "provider_link_lost/link_lost": (
        "The application's own connection was lost, while its CTI Manager went on: everything that it has open goes"
        " out of service for it."
    ),
    "provider_linked/link_lost": (
        "The application's TSP connected to another CTI Manager; the connection that it had is dropped first, and"
        " everything that it has open goes out of service for it."
    ),
    "provider_linked/reconnect": (
        "The application's TSP connected to this CTI Manager, and opened again what is in service."
    ),
    "lines_changed/configure": (
        "Lines have left the device or joined it: what was open on a line that left is closed, then every application"
        " with a provider that may control the device is told."
    ),
    "control_withdrawn/configure": (
        "The user of the application may not control the device any more: what it has open on it is closed, lines"
        " first, then device and lines are removed for it."
    ),
    "control_granted/configure": (
        "The user of the application may control the device again, so device and lines are created for it."
    ),
    "device_added/configure": "A device has joined the configuration; every application with a provider is told.",
    "device_removed/configure": (
        "A device has left the configuration: what was open on it is closed, lines first, then every application with"
        " a provider that may control it is told."
    ),
}
