"""The report on a certification: the same content as Markdown and as one page of HTML."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from attrs import frozen

from kk99fix.fix import dictionary
from kk99fix.harness.certification.examination import FunctionResult, Seen, StepResult

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left}"
    "pre{background:#f4f4f4;padding:.6em;white-space:pre-wrap;word-break:break-all}"
    ".no{color:#a00}.yes{color:#060}"
)
#: What could begin a tag, a link, code or a cell where a counterparty's text stands in Markdown.
_MARKDOWN: Final = re.compile(r"[\\`<>\[\]|]")


@frozen
class Subject:
    """Whose engine was examined, where and when."""

    session: str
    venue: str
    #: UTC, as people read it.
    when: str
    dialect: str


@frozen
class Names:
    """Names of fields and of their values."""

    fields: dict[int, str]
    values: dict[tuple[int, str], str]


def names() -> Names:
    """What the message dictionary calls fields and values."""
    source = dictionary.load()
    own = [field for fields in source.dialect_fields.values() for field in fields.values()]
    known = [*source.fields.values(), *own]
    return Names(
        {field.tag: field.name for field in known},
        {
            (field.tag, value): name
            for field in known
            for value, name in zip(field.enum, field.enum_names, strict=True)
        },
    )


def verdict(results: Sequence[FunctionResult]) -> str:
    """The result in a sentence."""
    passed = sum(result.passed for result in results)
    if passed == len(results):
        return f"passed: all {passed} functions"
    return f"NOT passed: {passed} of {len(results)} functions"


def markdown(subject: Subject, results: Sequence[FunctionResult], known: Names) -> str:
    """The report as Markdown."""
    lines = [
        f"# Certification of {subject.session}",
        "",
        f"At {subject.venue}, {subject.when}, dialect {subject.dialect}: {verdict(results)}.",
        "",
        "| function | result | why |",
        "|---|---|---|",
        *(f"| {r.title} (`{r.name}`) | {_word(r)} | {_plain(r.reason)} |" for r in results),
    ]
    for result in results:
        lines += ["", f"## {result.title} (`{result.name}`): {_word(result)}"]
        for number, step in enumerate(result.steps, start=1):
            lines += ["", f"{number}. {_plain(step.ask)}", ""]
            lines += [f"   - mistake: {_plain(text)}" for text in step.mistakes]
            for seen in step.seen:
                lines += [f"   - {_plain(_told(seen, known))}", "", f"         {seen.text}"]
            lines += [] if step.passed else ["   - not passed"]
    return "\n".join(lines) + "\n"


def html(subject: Subject, results: Sequence[FunctionResult], known: Names) -> str:
    """The report as one page that needs nothing else."""
    title = f"Certification of {subject.session}"
    rows = "".join(
        f"<tr><td>{escape(r.title)} (<code>{escape(r.name)}</code>)</td>"
        f"<td>{_html_word(r.passed)}</td><td>{escape(r.reason)}</td></tr>"
        for r in results
    )
    body = "".join(part for result in results for part in _html_function(result, known))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n"
        f"<p>At {escape(subject.venue)}, {escape(subject.when)}, dialect "
        f"{escape(subject.dialect)}: {escape(verdict(results))}.</p>\n"
        f"<table><tr><th>function</th><th>result</th><th>why</th></tr>{rows}</table>\n"
        f"{body}</body></html>\n"
    )


def _html_function(result: FunctionResult, known: Names) -> Iterator[str]:
    yield f"<h2>{escape(result.title)}: {_html_word(result.passed)}</h2>\n<ol>\n"
    for step in result.steps:
        yield f"<li>{escape(step.ask)} {_html_word(step.passed)}<ul>\n"
        yield from _html_step(step, known)
        yield "</ul></li>\n"
    yield "</ol>\n"


def _html_step(step: StepResult, known: Names) -> Iterator[str]:
    for text in step.mistakes:
        yield f'<li class="no">mistake: {escape(text)}</li>\n'
    for seen in step.seen:
        yield f"<li>{escape(_told(seen, known))}<pre>{escape(seen.text)}</pre></li>\n"


def _html_word(passed: bool) -> str:
    return '<b class="yes">passed</b>' if passed else '<b class="no">not passed</b>'


def _word(result: FunctionResult) -> str:
    return "passed" if result.passed else "**not passed**"


def _plain(text: str) -> str:
    """Return what a counterparty may have written as Markdown that shows it and no more."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _told(seen: Seen, known: Names) -> str:
    """A message in words: who sent it, and its fields with their names and meanings."""
    who = "the venue" if seen.from_venue else "the counterparty"
    fields = ", ".join(_field(tag, value, known) for tag, value in seen.fields.items())
    return f"from {who}: {fields}"


def _field(tag: int, value: str, known: Names) -> str:
    meaning = known.values.get((tag, value))
    named = f"{known.fields.get(tag, '')}({tag})={value}"
    return f"{named} {meaning}" if meaning else named
