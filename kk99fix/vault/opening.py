"""What stands behind `Seeds`, by `store` of [secrets] in venue.toml.

Another store is a class that has `seed`, a word of `store` in the configuration (which refuses the
words of stores that are not built, with a sentence that says so), and a case here.
"""

from collections.abc import MutableMapping
from pathlib import Path

from kk99fix.vault.keys import keys_from
from kk99fix.vault.sealed_seeds import SealedSeeds


def open_seeds(
    store: str, folder: Path, key_file: Path | None, environment: MutableMapping[str, str]
) -> SealedSeeds:
    """Return the seeds that the configuration names.  Raises SeedError where a key is no key.

    No key at all is no fault before a seed is asked for: most sessions have none.
    """
    match store:
        case "sealed-files":
            return SealedSeeds(folder, keys_from(environment, key_file))
        case _:
            raise AssertionError(f"the configuration lets no other store through: {store}")
