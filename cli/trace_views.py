"""How what ``lint`` finds looks."""

from cti_es.traces.diff.lint import Violation
from cti_es_cli.output import View
from cti_es_cli.views import as_json, values_of

VIOLATIONS: View[Violation] = View(
    titles=("PLACE", "CHANNEL", "MESSAGE", "RULE", "WHAT"),
    cells=lambda row: (
        str(row.place),
        row.channel,
        row.message,
        row.rule,
        f"{row.text} (warning)" if row.warning else row.text,
    ),
    fields=Violation.__struct_fields__,
    values=values_of,
    json=as_json,
    colour=lambda row: "yellow" if row.warning else "red",
)
