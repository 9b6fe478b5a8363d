"""The generated parts of docs/session_layer.md: the table of the cases and the state diagram.

`PYTHONPATH=tests .venv/bin/python -m acceptance.document` writes them anew; a test compares.
"""

from pathlib import Path

from acceptance.script import CASES, Script, scripts

from kk99fix.session.states import TRANSITIONS, State

DOCUMENT = Path(__file__).parents[2] / "docs/session_layer.md"


def table() -> str:
    """Return the table case -> script -> answer."""
    rows = ["| case | script | answer |", "|---|---|---|"]
    rows += [_row(script) for script in scripts()]
    return "\n".join(rows)


def diagram() -> str:
    """Return the states and what leads from one to the next, in the words of the table."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.CONNECTED.name}"]
    for state, events in TRANSITIONS.items():
        for event, following in events.items():
            lines.append(f"    {state.name} --> {following.name}: {event.name}")
    return "\n".join([*lines, f"    {State.CLOSED.name} --> [*]", "```"])


def parts() -> dict[str, str]:
    """Return what stands between the marks of each name."""
    return {"cases": table(), "states": diagram()}


def renewed(text: str) -> str:
    """Return the document with its generated parts made anew."""
    for name, content in parts().items():
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- end of {name} -->"
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        assert begun, f"no marks for {name}"
        assert ended, f"no end of {name}"
        text = f"{before}{begin}{content}\n{end}{after}"
    return text


def _row(script: Script) -> str:
    answer = script.one("Answer").replace("|", "\\|")
    instead = " (differs)" if script.one("Instead") else ""
    assert script.case in CASES, script.name
    link = f"[{script.name}](../tests/acceptance/fix44/{script.path.name})"
    return f"| {script.case} | {link} | {answer}{instead} |"


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text()))
