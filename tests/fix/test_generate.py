from pathlib import Path

import pytest

from kk99fix.fix import dictionary, generate, render_c, tables

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package may be a copy that was built elsewhere; the C files stand beside the tests."""
    monkeypatch.setattr(generate, "ROOT", REPOSITORY)


def test_generated_files_are_up_to_date() -> None:
    """Every generated file in the tree is what the dictionary gives."""
    assert generate.stale() == []


def test_check_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` exits with 0 and is silent when nothing is stale."""
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_digest_is_the_same_on_both_sides() -> None:
    """Python and C name the same dictionary."""
    digest = tables.DICTIONARY_SHA256

    assert digest == dictionary.load().digest
    assert digest in (REPOSITORY / "matcher_c/src/fix_tables.c").read_text()


def test_ids_of_the_gate_are_unique() -> None:
    """Each tag that the decoder takes has an id of its own, the named ones below 64."""
    rules = render_c.gate_rules(dictionary.load())
    ids = [rule.id for rule in rules if rule.id]

    assert len(ids) == len(set(ids))
    assert max(ids) < 192
    assert all(rule.field.tag <= render_c.TAG_MAX for rule in rules)
    assert all(rule.id == 0 for rule in rules if rule.field_class == "PYTHON")


def test_names_in_c_spelling() -> None:
    """FIX names become C constants word by word."""
    names = ["ClOrdID", "NoPartyIDs", "SecurityIDSource", "MsgSeqNum", "OrderQty"]

    assert [render_c.snake(name) for name in names] == [
        "CL_ORD_ID",
        "NO_PARTY_IDS",
        "SECURITY_ID_SOURCE",
        "MSG_SEQ_NUM",
        "ORDER_QTY",
    ]


def test_every_enum_of_the_gate_fits_its_mask() -> None:
    """Numbers below 128 and ASCII characters: what 128 bits can hold."""
    for rule in render_c.gate_rules(dictionary.load()):
        for value in rule.field.enum:
            if rule.field.datatype == "INT":
                assert 0 <= int(value) < 128
            else:
                assert value.isascii()


def test_reject_codes_fit_text_and_fix() -> None:
    """Every code has a short name, one sentence, and reasons that FIX 4.4 lists."""
    for code in tables.REJECT_CODES.values():
        assert code.sentence.endswith(".")
        assert len(code.sentence) < 100
        assert b"%d" % code.ord_rej_reason in tables.FIELDS[103].enum
        assert b"%d" % code.cxl_rej_reason in tables.FIELDS[102].enum


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("tag = 11,", "tag = 1,", "used twice"),
        ('"ClOrdID", "Side"', '"ClOrdId", "Side"', "names without a field"),
        ('Account = { tag = 1, type = "STRING"', 'Account = { tag = 1, type = "TEXT"', "TEXT"),
        ("number = 2\n", "number = 9\n", "without a hole"),
        ("when.TotNumReports = ", "when.DKReason = ", "lacks: .'DKReason'"),
        ('["NoPartyIDs", "NoAllocs"', '["NoParties", "NoAllocs"', "unknown group"),
    ],
)
def test_contradictions_are_found(
    tmp_path_factory: pytest.TempPathFactory, old: str, new: str, complaint: str
) -> None:
    """A dictionary that contradicts itself is refused with what is wrong."""
    text = dictionary.TOML_PATH.read_text()
    assert old in text
    path = tmp_path_factory.mktemp("dictionary") / "dictionary.toml"
    path.write_text(text.replace(old, new))

    with pytest.raises(dictionary.DictionaryError, match=complaint):
        dictionary.load(path)


def test_words_do_not_change_the_digest(tmp_path: Path) -> None:
    """A journal is bound to what the dictionary makes the venue do, not to how it is described."""
    text = dictionary.TOML_PATH.read_text()
    named, about, other = (tmp_path / f"{name}.toml" for name in ("named", "about", "other"))
    named.write_text(text.replace('1 = "MARKET"', '1 = "AT_ANY_PRICE"'))
    about.write_text(text.replace('when.Price = "with OrdType(40)=2"', 'when.Price = "always"'))
    other.write_text(text.replace('1 = "MARKET", ', ""))
    assert text not in {path.read_text() for path in (named, about, other)}

    assert dictionary.load(named).digest == tables.DICTIONARY_SHA256
    assert dictionary.load(about).digest == tables.DICTIONARY_SHA256
    assert dictionary.load(other).digest != tables.DICTIONARY_SHA256
