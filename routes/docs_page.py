"""The OpenAPI document as one HTML page, which reads without scripts and asks no other host.

Links point inside a closed `<details>`: browsers then open it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, Final

Node = dict[str, Any]

STYLE: Final = Path(__file__).with_name("docs_page.css").read_text(encoding="utf-8")
SCRIPT: Final = Path(__file__).with_name("docs_page.js").read_bytes()
ICON: Final = Path(__file__).with_name("favicon.svg").read_bytes()

SUBJECTS: Final = {
    "sign-in": "Sign in",
    "routes": "Routes",
    "clients": "Clients",
    "sessions": "Sessions",
    "tracks": "Tracks",
    "moments": "Moments",
    "notes": "Notes",
    "places": "Places",
    "practice": "Practice and therapists",
    "health": "Health",
}
"""The tags in the order of the main job, with their headings."""


def docs_page(document: Node) -> str:
    """Return the page: contents, operations by subject, then the schemas they name."""
    by_tag = defaultdict[str, list[tuple[str, str, Node]]](list)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append((method, path, operation))
    order = sorted(by_tag, key=lambda tag: (*SUBJECTS, tag).index(tag))
    components = document["components"]["schemas"]
    subjects = [
        f'<h2 id="{tag}">{_heading(tag)}</h2>'
        + "".join(_operation(*each, components) for each in by_tag[tag])
        for tag in order
    ]
    contents = "".join(_contents_line(tag, [each[2] for each in by_tag[tag]]) for tag in order)
    schemas = "".join(_schema(name, each) for name, each in components.items())
    title = escape(document["info"]["title"])
    return html_page(
        f"{title} API",
        f"<h1>{title} API</h1>{_paragraphs(document['info']['description'])}"
        '<p>The whole document: <a href="/openapi.json">openapi.json</a></p>'
        f'<nav aria-label="Contents"><h2>Contents</h2><ol>{contents}'
        '<li><a href="#schemas">Schemas</a></li></ol></nav>'
        '<section id="try-sign-in" class="try" hidden></section>'
        f'{"".join(subjects)}<h2 id="schemas">Schemas</h2>{schemas}<script src="/docs.js"></script>',
    )


def start_page(document: Node) -> str:
    """Return the page a browser gets at `/`: what this is, and where to go on."""
    title = escape(document["info"]["title"])
    what = document["info"]["description"].partition("\n\n")[0]
    return html_page(
        title,
        f"<h1>{title}</h1>{_paragraphs(what)}"
        "<p>This address is for the app on the phone. For people who build or run it:</p>"
        '<ul><li><a href="/docs">Documentation of the API</a>, with a way to try it</li>'
        '<li><a href="/openapi.json">OpenAPI document</a></li>'
        '<li><a href="/health/ready">Health</a></li></ul>',
    )


def html_page(title: str, body: str) -> str:
    """Return a whole page with the style and the icon of all pages."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width">'
        f'<link rel="icon" type="image/svg+xml" href="/favicon.svg"><style>{STYLE}</style>{body}</html>'
    )


def _heading(tag: str) -> str:
    return escape(SUBJECTS.get(tag, tag.capitalize()))


def _contents_line(tag: str, operations: list[Node]) -> str:
    links = "".join(
        f'<li><a href="#{each["operationId"]}">{escape(each["summary"])}</a></li>' for each in operations
    )
    return f'<li><a href="#{tag}">{_heading(tag)}</a><ul>{links}</ul></li>'


def _operation(method: str, path: str, operation: Node, components: Node) -> str:
    parts = [_paragraphs(operation.get("description", ""))]
    if parameters := operation.get("parameters"):
        parts.append(_table("<th>Parameter<th>In<th>Meaning", map(_parameter, parameters)))
    if body := operation.get("requestBody"):
        parts.append(f"<p>Body: {_content(body['content'])}</p>{_body_example(body['content'], components)}")
    answers = (
        f"<tr><td>{status}<td>{_lines(each['description'])} {_content(each.get('content', {}))}</tr>"
        for status, each in operation["responses"].items()
    )
    parts.append(_table("<th>Status<th>Answer", answers))
    heading = (
        f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code> '
        f"{escape(operation['summary'])}"
    )
    return (
        f'<details data-method="{method.upper()}" data-path="{escape(path)}"><summary>{heading}</summary>'
        f'<div id="{operation["operationId"]}">{"".join(parts)}</div></details>'
    )


def _table(head: str, rows: Iterable[str]) -> str:
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _parameter(parameter: Node) -> str:
    needed = " (required)" if parameter["required"] else ""
    name, place = escape(parameter["name"]), parameter["in"]
    marks = f'data-name="{name}" data-in="{place}"' + (' data-required="yes"' if needed else "")
    meaning = _marked(parameter.get("description", ""))
    return f"<tr {marks}><td><code>{name}</code>{needed}<td>{place}<td>{meaning}</tr>"


def _content(content: Node) -> str:
    """Return the media types of a body, each with a link to its schema."""
    return ", ".join(f"<code>{escape(media)}</code> {_reference(each)}" for media, each in content.items())


def _body_example(content: Node, components: Node) -> str:
    """Return an example of a body, which "try it" begins with; of a file only its type."""
    media_type, media = next(iter(content.items()))
    name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
    examples = components.get(name, {}).get("examples", [])
    if not examples:
        return f'<span data-body="{escape(media_type)}"></span>'
    text = escape(json.dumps(examples[0], indent=2, ensure_ascii=False))
    return f'<pre data-body="{escape(media_type)}">{text}</pre>'


def _reference(media: Node) -> str:
    name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return f'<a href="#schema-{name}">{name}</a>' if name else ""


def _schema(name: str, schema: Node) -> str:
    description = _lines(schema.get("description", ""))
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False), quote=False)
    linked = re.sub(r'"#/components/schemas/(\w+)"', r'"<a href="#schema-\1">\1</a>"', text)
    return (
        f"<details><summary><code>{name}</code></summary>"
        f'<div id="schema-{name}"><p>{description}</p><pre>{linked}</pre></div></details>'
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_marked(each)}</p>" for each in text.split("\n\n") if each)


def _lines(text: str) -> str:
    return "<br>".join(_marked(each) for each in text.split("\n"))


def _marked(text: str) -> str:
    """Return plain text as HTML, with its marks for code and for weight."""
    coded = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", coded)
