#!/usr/bin/python3
"""Hold PROTOCOL.md, proto/schema, its examples and the codec against each other:
schema_check.py PROTO_TOOL SOURCE_DIR [--write]. --write brings proto/schema up to the table of
proto/fields.c; without it a difference is a failure."""
import copy
import json
import pathlib
import re
import subprocess
import sys

import jsonschema

TOOL, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
FOLDER = SOURCE / "proto/schema"
failures = []


def fail(text):
    failures.append(text)


def kind_of(title):
    """'result/1, runner to router' -> 'runner-result/1'."""
    word, ends = title.split(", ")
    return (set(ends.split(" to ")) - {"router"}).pop() + "-" + word


def load_schemas():
    lines = subprocess.run([TOOL, "schema"], capture_output=True, text=True, check=True).stdout.splitlines()
    schemas = {}
    for line in lines:
        schema = json.loads(line)
        kind = kind_of(schema["title"])
        path = FOLDER / (kind.replace("/", "-") + ".json")
        text = json.dumps(schema, indent=2) + "\n"
        if "--write" in sys.argv:
            path.write_text(text)
        if not path.exists() or path.read_text() != text:
            fail(f"{path.name} is not what proto/fields.c says: run schema_check.py with --write")
        jsonschema.Draft202012Validator.check_schema(schema)
        schemas[kind] = schema
    stale = {p.stem for p in FOLDER.glob("*.json")} - {k.replace("/", "-") for k in schemas}
    for name in stale:
        fail(f"{name}.json is no kind of message")
    return schemas


# --- PROTOCOL.md's table of members -------------------------------------------------------------


def parse_members(text):
    """'a, b? {c, d?}, e? [{f}]' -> {path: is_optional}; words in round brackets are notes."""
    text, members, path, last = re.sub(r"\([^)]*\)", "", text), {}, [], None
    for token in re.findall(r"[A-Za-z]+\??:?|[{}]", text):
        if token == "{":
            path.append(last)
        elif token == "}":
            last = path.pop()
        elif not token.endswith(":"):
            last = token.rstrip("?")
            members[".".join(path + [last])] = token.endswith("?")
    return members


def described():
    table = {}
    text = (SOURCE / "proto/PROTOCOL.md").read_text()
    for direction, word, seq, monitor, body in re.findall(r"^\| (.*?) \| `(\w+/\d)` \| (.*?) \| (.*?) \| (.*?) \|$", text, re.M):
        for role in ["runner", "notifier", "web"] if "all" in direction else [direction.strip("→ ")]:
            if body.startswith("as deliver"):
                table[f"{role}-{word}"] = table["notifier-deliver/1"]
                continue
            # {name: text} is a map, [pattern] and [id] lists: nothing to compare below them.
            body = re.sub(r"\{name: \w+\}|\[(?!\{)[^\]]*\]", "", body)
            table[f"{role}-{word}"] = parse_members(body if body != "{}" else "")
    return table


def members_of(schema, path=()):
    found = {}
    while "items" in schema:
        schema = schema["items"]
    for name, sub in schema.get("properties", {}).items():
        found[".".join(path + (name,))] = name not in schema["required"]
        found.update(members_of(sub, path + (name,)))
    return found


# --- Spoiling an example ------------------------------------------------------------------------


def places(schema, value, path=()):
    """Each member of an example that the schema describes: (path, its schema, is required)."""
    if "items" in schema and "properties" in schema["items"]:
        yield from places(schema["items"], value[0], path + (0,))
    for name, sub in schema.get("properties", {}).items():
        yield path + (name,), sub, name in schema["required"]
        yield from places(sub, value[name], path + (name,))


def wrong_values(sub):
    """(what, value, whether the schema can tell)."""
    kinds = sub.get("type", [])
    kind = kinds if isinstance(kinds, str) else kinds[0] if kinds else None
    if kind or "enum" in sub:
        other = {"string": 17, "integer": "17", "boolean": 1, "array": {}, "object": []}
        yield "of another type", other.get(kind, 17), True
    if "enum" in sub:
        yield "no word of its list", "other", True
    if kind == "string" and "pattern" not in sub:
        yield "too long", "a" * (sub["maxLength"] + 1), True
        yield "too many bytes", "é" * (sub["x-maxBytes"] // 2 + 1), sub["x-maxBytes"] < 2
        if sub["minLength"]:
            yield "empty", "", True
    if "format" in sub:
        for text in ["", "yesterday", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01"]:
            yield "no time", text, text != "2026-02-30T00:00:00Z"
    elif "pattern" in sub:
        for text in ["", "-1", "1.0", "0x1", " 1", "18446744073709551616"]:
            yield "no number of 64 bits", text, not text.startswith("1844")
    if kind == "integer":
        yield "too large", sub["maximum"] + 1, True
        yield "too small", sub["minimum"] - 1, True
        yield "no whole number", 1.5, True
    if kind == "array" and "maxItems" in sub:
        yield "with another type inside", [True], True
        yield "with null inside", [None], True
    if kind == "object" and "maxProperties" in sub:
        fill = "x" if sub["additionalProperties"]["type"] == "string" else 1
        yield "too many", {f"n{i}": fill for i in range(sub["maxProperties"] + 1)}, True
        yield "with another type inside", {"n": True}, True


def spoilt(schema, example):
    body = schema["prefixItems"][3]
    for path, sub, is_required in places(body, example[3]):
        what = ".".join(map(str, path))
        if is_required:
            bad = copy.deepcopy(example)
            del holder(bad[3], path)[path[-1]]
            yield f"{what} missing", bad, True
            bad = copy.deepcopy(example)
            holder(bad[3], path)[path[-1]] = None
            # An empty schema, for any value, takes null too.
            yield f"{what} null", bad, bool(sub)
        for why, value, is_told in wrong_values(sub):
            bad = copy.deepcopy(example)
            holder(bad[3], path)[path[-1]] = value
            yield f"{what} {why}", bad, is_told
        if "maxItems" in sub:
            bad = copy.deepcopy(example)
            at = holder(bad[3], path)
            at[path[-1]] = at[path[-1]][:1] * (sub["maxItems"] + 1)
            yield f"{what} too many", bad, True
    for frame, values in {0: ["", "what/1", "result", "result/9", "/1"], 1: ["", "x", "-1", "01", "1 "], 2: ["x", "0", "-1", "007", "4294967296"]}.items():
        for value in values:
            bad = copy.deepcopy(example)
            bad[frame] = value
            # Ten digits are as far as the pattern of an id counts.
            yield f"frame {frame + 1} {value!r}", bad, value != "4294967296"


def holder(body, path):
    for step in path[:-1]:
        body = body[step]
    return body


def doubled(schema, example):
    """The example as text with each member twice, one at a time."""
    for path, _, _ in places(schema["prefixItems"][3], example[3]):
        marked = copy.deepcopy(example[3])
        at = holder(marked, path)
        at["\0"] = at[path[-1]]
        yield ".".join(map(str, path)), json.dumps(marked).replace('"\\u0000":', json.dumps(path[-1]) + ":")


def smallest(schema, value):
    """The example without its optional members."""
    if "items" in schema and "properties" in schema["items"]:
        return [smallest(schema["items"], v) for v in value]
    if "properties" not in schema:
        return value
    return {n: smallest(schema["properties"][n], v) for n, v in value.items() if n in schema["required"]}


# --- The codec ------------------------------------------------------------------------------------


def recode(rows):
    """rows of (kind, frames with the body as text) -> answers of the codec."""
    text = "".join("\t".join([kind] + frames) + "\n" for kind, frames in rows)
    out = subprocess.run([TOOL, "recode"], input=text, capture_output=True, text=True, check=True).stdout
    answers = out.splitlines()
    assert len(answers) == len(rows), "the tool lost lines"
    return answers


def with_text(frames, body=None):
    return frames[:3] + [json.dumps(frames[3]) if body is None else body]


def check_good(kind, schema, example):
    validator = jsonschema.Draft202012Validator(schema)
    small = example[:3] + [smallest(schema["prefixItems"][3], example[3])]
    strange = example[:3] + [dict(example[3], unknownMember={"a": [1]})]
    rows = [(kind, with_text(m)) for m in (example, small, strange)]
    for sent, wanted, answer in zip((example, small, strange), (example, small, example), recode(rows)):
        if errors := [e.message for e in validator.iter_errors(sent)]:
            fail(f"{kind}: the schema refuses a good message: {errors[0]}")
        if not answer.startswith("ok "):
            fail(f"{kind}: the codec refuses a good message: {answer}")
            continue
        again = json.loads(answer[3:])
        if again != wanted:
            fail(f"{kind}: came back as {again}")
        if not validator.is_valid(again):
            fail(f"{kind}: the schema refuses what the codec writes: {again}")


def check_bad(kind, schema, example):
    validator = jsonschema.Draft202012Validator(schema)
    bad = list(spoilt(schema, example))
    for (what, message, is_told), answer in zip(bad, recode([(kind, with_text(m)) for _, m, _ in bad])):
        is_same = message == example
        if answer.startswith("ok ") and not is_same and not is_free(kind, schema, what, message):
            fail(f"{kind}: the codec takes {what}")
        if is_told and not is_same and validator.is_valid(message) and not is_free(kind, schema, what, message):
            fail(f"{kind}: the schema takes {what}")
    twice = list(doubled(schema, example))
    for (what, _), answer in zip(twice, recode([(kind, with_text(example, text)) for what, text in twice])):
        if answer.startswith("ok "):
            fail(f"{kind}: the codec takes {what} doubled")
    return len(bad) + len(twice)


def is_free(kind, schema, what, message):
    """What looks spoilt but is right for this kind: an empty frame 3 of a probe, a sequence."""
    return kind == "notifier-probe/1" and what == "frame 3 ''"


def main():
    schemas = load_schemas()
    table = described()
    if set(table) != set(schemas):
        fail(f"PROTOCOL.md and fields.c differ in {sorted(set(table) ^ set(schemas))}")
    count = 0
    for kind, schema in schemas.items():
        if (theirs := table.get(kind)) != (ours := members_of(schema["prefixItems"][3])):
            fail(f"{kind}: PROTOCOL.md and fields.c differ in {sorted(set((theirs or {}).items()) ^ set(ours.items()))}")
        path = FOLDER / "examples" / (kind.replace("/", "-") + ".json")
        example = json.loads(path.read_text())
        if missing := [".".join(map(str, p)) for p, _, _ in places_or_none(schema, example)]:
            fail(f"{path.name} lacks {missing}")
            continue
        check_good(kind, schema, example)
        count += check_bad(kind, schema, example)
    print(f"{len(schemas)} kinds, {count} spoilt messages, {len(failures)} failures")
    print("\n".join(failures[:50]))
    return 1 if failures else 0


def places_or_none(schema, example):
    """Members that the example does not show: it must show all."""
    try:
        return [place for place in places(schema["prefixItems"][3], example[3]) if place[0][-1] not in holder(example[3], place[0])]
    except (KeyError, IndexError) as e:
        return [((str(e),), {}, False)]


sys.exit(main())
