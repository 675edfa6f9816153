"""The worked example as an event log: what ``demo`` runs, and the first scenario of fixtures/."""

EVENTS = b"""\
{"type":"node_added","node":"cm1","at":"2026-03-02T08:00:00Z"}
{"type":"node_added","node":"cm2","at":"2026-03-02T08:00:00Z"}
{"type":"device_added","device":"CTIP_IVR_01","kind":"cti_port","lines":["5001"],"group":["cm1","cm2"],"at":"2026-03-02T08:01:10Z"}
{"type":"device_added","device":"RP_SALES","kind":"route_point","lines":["6000","6001"],"group":["cm1","cm2"],"at":"2026-03-02T08:01:12Z"}
{"type":"device_opened","device":"CTIP_IVR_01","at":"2026-03-02T08:15:00Z"}
{"type":"device_opened","device":"RP_SALES","at":"2026-03-02T08:15:01Z"}
{"type":"call_started","call":"20417","device":"RP_SALES","line":"6000","at":"2026-03-02T09:41:27Z"}
{"type":"node_failed","node":"cm1","at":"2026-03-02T09:44:03Z"}
{"type":"node_recovered","node":"cm1","at":"2026-03-02T09:52:40Z"}
{"type":"call_ended","call":"20417","at":"2026-03-02T09:57:15Z"}
"""
