"""Print the lowest versions that pyproject.toml declares, as constraints for pip."""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]

for declared in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]:
    if lowest := re.match(r"([\w-]+)(?:\[\w+\])?>=([\w.]+)", declared):
        print("{}=={}".format(*lowest.groups()))
