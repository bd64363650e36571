#!/usr/bin/python3
"""Write the examples of proto/schema as inputs of codec_fuzz.c: codec_seeds.py FOLDER."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = ["runner", "notifier", "web"]

for path in (ROOT / "proto/schema/examples").glob("*.json"):
    word, sequence, monitor, body = json.loads(path.read_text())
    schema = json.loads((ROOT / "proto/schema" / path.name).read_text())
    is_to_router = schema["title"].endswith("to router")
    choice = ROLES.index(path.stem.split("-")[0]) + (0 if is_to_router else len(ROLES))
    head = chr(ord("0") + choice)  # "0" divides by both counts
    text = head + "\n".join([word, sequence, monitor, json.dumps(body)])
    (pathlib.Path(sys.argv[1]) / path.stem).write_text(text, encoding="utf-8")
