"""Names of tags for people, as in `ClOrdID(11)`."""

from kk99fix.fix import tables


def label(tag: int) -> bytes:
    """The name of a tag with its number; the number alone for a tag that is not ours."""
    rule = tables.FIELDS.get(tag) or tables.KK99_FIELDS.get(tag)
    return b"%d" % tag if rule is None else b"%s(%d)" % (rule.name.encode(), tag)
