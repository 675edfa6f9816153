"""The rule identifiers in our own words: what ``explain`` says, one by one (docs/rules.md says more).

An identifier is ``EVENT/STEP``: the type of the event and the step of the fold that sent the message. This is the
closed list of those that can occur.
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
    "call_ended/resume": "The last call on the device ended, and the re-homing that had waited for it is complete.",
    "call_ended/settle": (
        "The re-homing that had waited for the call took the device to a node that refuses the line; nothing can help"
        " it any more, so the system closes it."
    ),
}
