from pathlib import Path

import pytest

from kk99fix.config.errors import Mistake
from kk99fix.config.toml_file import BareDecimal, TomlFile, read

TEXT = """\
# a comment with key = "value"
top = 1

[table]
plain = "x"
"quoted key" = [
  1,
  2,
]
dotted.key = 3

[table."inner table".more]
deep = 0.50

[[list]]
symbol = "A"

[[list]]
symbol = 5
last = 1
"""


def read_text(tmp_path: Path, text: str) -> TomlFile:
    """Write and read one file."""
    path = tmp_path / "some.toml"
    path.write_text(text)
    file = read(path)
    assert isinstance(file, TomlFile)
    return file


def test_keys_have_the_lines_where_they_stand(tmp_path: Path) -> None:
    """Tables, quoted and dotted keys and list entries are found where a person would look."""
    file = read_text(tmp_path, TEXT)

    assert file.lines == {
        ("top",): 2,
        ("table",): 4,
        ("table", "plain"): 5,
        ("table", "quoted key"): 6,
        ("table", "dotted", "key"): 10,
        ("table", "inner table", "more"): 12,
        ("table", "inner table", "more", "deep"): 13,
        ("list", 0): 15,
        ("list", 0, "symbol"): 16,
        ("list", 1): 18,
        ("list", 1, "symbol"): 19,
        ("list", 1, "last"): 20,
    }


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a = 1\n[table]\nhalf", 3),
        (b"a = 1\nb = [1,\n", 2),
        (b"a = 1\nb = \xe9\n", 2),
        (b"a = 1\na = 2\n", 2),
        (b"=", 1),
    ],
)
def test_what_is_no_toml_has_a_line(tmp_path: Path, data: bytes, line: int) -> None:
    """A file that is half written is wrong at its end, one of other characters where they are."""
    path = tmp_path / "some.toml"
    path.write_bytes(data)
    mistake = read(path)
    assert isinstance(mistake, Mistake)
    assert mistake.line == line


def test_a_mistake_goes_to_the_nearest_key_that_has_a_line(tmp_path: Path) -> None:
    """A missing key is reported at its table, and entries go by symbol or by position."""
    file = read_text(tmp_path, TEXT)

    places = [
        str(file.mistake(path, "x")).rpartition("some.toml")[2]
        for path in [
            ("table", "missing"),
            ("list", 0, "symbol"),
            ("list", 1, "last"),
            ("table", "quoted key", 1),
            ("nowhere",),
            (),
        ]
    ]

    assert places == [
        ":4: table.missing: x",
        ":16: list[A].symbol: x",
        ":20: list[2].last: x",
        ":6: table.quoted key[2]: x",
        ": nowhere: x",
        ": x",
    ]


def test_a_bare_decimal_keeps_its_digits(tmp_path: Path) -> None:
    """Nothing in a file becomes a float on the way."""
    value = read_text(tmp_path, TEXT).data["table"]["inner table"]["more"]["deep"]

    assert isinstance(value, BareDecimal)
    assert value == "0.50"
