"""The OpenAPI document as one HTML page: no scripts, no other host, readable without signal once loaded."""

import json
from html import escape
from itertools import groupby
from typing import Any, Final

Node = dict[str, Any]

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem; text-transform: capitalize }
details { border: 1px solid #ddd; border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem }
summary { cursor: pointer } code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f5f5f2 }
pre { padding: .6rem; overflow-x: auto; white-space: pre-wrap } .method { font-weight: 700; color: #2a6f4e }
table { border-collapse: collapse }
td, th { text-align: left; padding: .15rem .9rem .15rem 0; vertical-align: top }
"""


def docs_page(document: Node) -> str:
    """Return the page: operations by subject, then the schemas they name."""
    operations = [
        (operation["tags"][0], method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    operations.sort(key=lambda each: each[0])
    subjects = [
        f"<h2>{escape(tag)}</h2>" + "".join(_operation(*each[1:]) for each in group)
        for tag, group in groupby(operations, key=lambda each: each[0])
    ]
    schemas = "".join(_schema(name, each) for name, each in document["components"]["schemas"].items())
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><h1>{title} API</h1>'
        f"{_paragraphs(document['info']['description'])}"
        '<p>The whole document: <a href="/openapi.json">openapi.json</a></p>'
        f"{''.join(subjects)}<h2>schemas</h2>{schemas}</html>"
    )


def _operation(method: str, path: str, operation: Node) -> str:
    parts = [_paragraphs(operation.get("description", ""))]
    if parameters := operation.get("parameters"):
        parts.append(
            f"<table><tr><th>Parameter<th>In<th>Meaning</tr>{''.join(map(_parameter, parameters))}</table>"
        )
    if body := operation.get("requestBody"):
        parts.append(f"<p>Body: {_content(body['content'])}</p>")
    answers = "".join(
        f"<tr><td>{status}<td>{escape(each['description'])} {_content(each.get('content', {}))}</tr>"
        for status, each in operation["responses"].items()
    )
    parts.append(f"<table><tr><th>Status<th>Answer</tr>{answers}</table>")
    summary = escape(operation["summary"])
    heading = f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code> {summary}'
    return f'<details id="{operation["operationId"]}"><summary>{heading}</summary>{"".join(parts)}</details>'


def _parameter(parameter: Node) -> str:
    needed = " (required)" if parameter["required"] else ""
    meaning = escape(parameter.get("description", ""))
    return f"<tr><td><code>{escape(parameter['name'])}</code>{needed}<td>{parameter['in']}<td>{meaning}</tr>"


def _content(content: Node) -> str:
    """Return the media types of a body, each with a link to its schema."""
    return ", ".join(f"{escape(media_type)} {_reference(each)}" for media_type, each in content.items())


def _reference(media: Node) -> str:
    name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return f'<a href="#schema-{name}">{name}</a>' if name else ""


def _schema(name: str, schema: Node) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return f'<details id="schema-{name}"><summary><code>{name}</code></summary><pre>{text}</pre></details>'


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(each).replace('**', '')}</p>" for each in text.split("\n\n") if each)
