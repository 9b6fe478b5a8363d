from kk99fix.config import difference, identity
from kk99fix.venue import registry


def test_files_and_venue_agree_on_what_may_not_change() -> None:
    """What the venue would refuse to see changed is refused where the files are read, and no more.

    The venue reads no files and takes nothing from those who do, so each side has its own list.
    """
    assert set(identity.FIXED) == set(registry.FIXED["sessions"])
    assert registry.FIXED["accounts"] == ("firm",)


def test_files_and_venue_have_the_same_kinds_of_names() -> None:
    """Pieces of a change are in the order in which the venue can take them."""
    assert difference.KINDS == registry.KINDS
