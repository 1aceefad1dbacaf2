#!/usr/bin/python3
"""Writes the pages of docs/reference from a database that has the extension.

    reference.py EXAMPLES DIRECTORY

What a page says of a function, view, column, type or setting is what the
catalog says of it, so that it cannot drift: script/reference writes the pages,
test/t/092_reference.pl compares them. EXAMPLES is docs/reference/examples.sql,
whose statements stand after lines "-- FUNCTION".

psql finds the database by PGHOST, PGPORT, PGUSER and PGDATABASE.  Nothing in
it is changed: the roles that are asked for their rights are rolled back.
"""

import json
import os
import re
import subprocess
import sys

SCHEMAS = "'{group_api,group_api_v2}'"

FUNCTIONS = f"""
SELECT p.oid::regproc::text AS name, p.oid::regprocedure::text AS signature,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       obj_description(p.oid, 'pg_proc') AS text,
       (SELECT coalesce(array_agg(r.level ORDER BY r.number), '{{}}') FROM levels r
         WHERE has_function_privilege(r.role, p.oid, 'EXECUTE')) AS levels
  FROM pg_proc p
 WHERE p.pronamespace = ANY ({SCHEMAS}::regnamespace[]) AND NOT p.proname ~ '^[_]'
 ORDER BY p.pronamespace::regnamespace::text, p.proname, p.oid::regprocedure::text
"""

VIEWS = f"""
SELECT c.oid::regclass::text AS name, obj_description(c.oid, 'pg_class') AS text,
       (SELECT coalesce(array_agg(r.level ORDER BY r.number), '{{}}') FROM levels r
         WHERE has_table_privilege(r.role, c.oid, 'SELECT')) AS levels,
       (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                                          'text', col_description(c.oid, a.attnum)) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
  FROM pg_class c
 WHERE c.relnamespace = ANY ({SCHEMAS}::regnamespace[]) AND c.relkind = 'v'
 ORDER BY 1
"""

TYPES = f"""
SELECT t.oid::regtype::text AS name, obj_description(t.oid, 'pg_type') AS text,
       (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels
  FROM pg_type t
 WHERE t.typnamespace = ANY ({SCHEMAS}::regnamespace[]) AND t.typtype = 'e'
 ORDER BY 1
"""

SETTINGS = """
SELECT name, vartype, unit, min_val, max_val, enumvals, boot_val, context, short_desc, extra_desc
  FROM pg_settings WHERE name LIKE 'group_api.%' ORDER BY name COLLATE "C"
"""

# One role for each level that grant_access() knows; its hint names them.
LEVELS = r"""
CREATE TEMP TABLE levels (number serial, level text, role name);
DO $do$
DECLARE
    hint text;
BEGIN
    CREATE ROLE group_api_reference;
    BEGIN
        PERFORM group_api.grant_access('group_api_reference', '');
    EXCEPTION WHEN invalid_parameter_value THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    END;
    INSERT INTO levels (level, role)
    SELECT l, 'group_api_reference_' || l
      FROM regexp_split_to_table(rtrim(regexp_replace(hint, '^.* are ', ''), '.'), ', | and ') l;
    FOR hint IN SELECT level FROM levels LOOP
        EXECUTE format('CREATE ROLE %I', 'group_api_reference_' || hint);
        PERFORM group_api.grant_access(format('%I', 'group_api_reference_' || hint)::regrole, hint);
    END LOOP;
END $do$;
"""

MADE = "<!-- Written by script/reference; changes belong in sql/group_api.sql or src/base/guc.c. -->\n\n"


def ask(query):
    """The rows of a query, as dictionaries."""
    script = (
        "BEGIN; SET search_path = pg_catalog; SET client_min_messages = warning;"
        f"{LEVELS} SELECT json_agg(q) FROM ({query}) q; ROLLBACK;"
    )
    out = subprocess.run(
        ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], input=script, check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    return json.loads(out)


def examples_of(path):
    """{function: statements} of a file whose parts begin with '-- FUNCTION'."""
    parts = re.split(r"^-- (group_api\w*\.\w+)\n", open(path, encoding="utf-8").read(), flags=re.M)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2])}


def levels_of(levels):
    return ", ".join(levels) if levels else "the extension's owner"


def cell(text):
    return (text or "").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def function_page(examples):
    page = [MADE, "# Functions\n"]
    page.append(
        "Who may call a function is told as the levels of\n"
        "[`grant_access`](#group_apigrant_access). Arguments are named in calls: `name => value`.\n"
    )
    rows = ask(FUNCTIONS)
    names = dict.fromkeys(row["name"] for row in rows)
    for name in names:
        page.append(f"## {name}\n")
        for row in (r for r in rows if r["name"] == name):
            page.append(f"```\n{name}({row['arguments']}) → {row['result']}\n```\n")
            page.append(f"For: {levels_of(row['levels'])}\n")
            page.append(f"{prose(row['text'])}\n")
        if name in examples:
            page.append(f"```sql\n{examples[name]}\n```\n")
    return "\n".join(page)


def prose(text):
    """A comment as Markdown: what stands in angle brackets is no tag."""
    return (text or "").replace("<", "&lt;").strip()


def view_page():
    page = [MADE, "# Views\n"]
    for row in ask(VIEWS):
        page.append(f"## {row['name']}\n\nFor: {levels_of(row['levels'])}\n\n{prose(row['text'])}\n")
        page.append("| column | type | |\n|---|---|---|")
        page += [f"| `{c['name']}` | {c['type']} | {cell(c['text'])} |" for c in row["columns"]]
        page.append("")
    return "\n".join(page)


def type_page():
    """A type's comment has a sentence, then a line "label: meaning" for each label."""
    page = [MADE, "# Types\n"]
    for row in ask(TYPES):
        about, *meanings = (row["text"] or "").split("\n")
        meaning = dict(line.split(": ", 1) for line in meanings if ": " in line)
        page.append(f"## {row['name']}\n\n{prose(about)}\n\n| | |\n|---|---|")
        page += [f"| `{label}` | {cell(meaning.get(label))} |" for label in row["labels"]]
        page.append("")
    return "\n".join(page)


# When a change takes effect, by pg_settings.context.
CONTEXTS = {
    "postmaster": "at a restart",
    "sighup": "on reload, for the whole cluster",
    "superuser": "on reload; by superusers in a session, or for a database or role",
    "user": "on reload; by anybody in a session, or for a database or role",
}


def values_of(row):
    if row["enumvals"]:
        return ", ".join(f"`{v}`" for v in row["enumvals"])
    if row["vartype"] == "bool":
        return "`on`, `off`"
    if row["min_val"] is not None:
        unit = f" {row['unit']}" if row["unit"] else ""
        return f"{row['min_val']} to {row['max_val']}{unit}"
    return "text"


def setting_page():
    page = [MADE, "# Settings\n"]
    for row in ask(SETTINGS):
        default = f"`{row['boot_val']}`{' ' + row['unit'] if row['unit'] else ''}" if row["boot_val"] else "empty"
        page.append(f"## {row['name']}\n\n{prose(row['short_desc'])}")
        if row["extra_desc"]:
            page.append(prose(row["extra_desc"]))
        page.append(
            f"\n- values: {values_of(row)}\n- default: {default}\n- takes effect: {CONTEXTS[row['context']]}\n"
        )
    return "\n".join(page)


def main(examples, directory):
    pages = {
        "functions.md": function_page(examples_of(examples)),
        "views.md": view_page(),
        "types.md": type_page(),
        "settings.md": setting_page(),
    }
    for name, text in pages.items():
        with open(os.path.join(directory, name), "w", encoding="utf-8") as page:
            page.write(text.rstrip() + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
