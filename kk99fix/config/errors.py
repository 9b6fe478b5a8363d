"""What is wrong with the files: one value per mistake, one exception that carries them all."""

from collections.abc import Sequence

from attrs import field, frozen


@frozen(order=True)
class Mistake:
    """One mistake, in the words that the person who made it will read."""

    file: str
    #: Line in the file, counted from 1; 0 where no single line is to blame.
    line: int
    #: Dotted path of the key; empty where the whole file is to blame.
    key: str
    #: What was found and what would be right.
    text: str
    #: Other files that it takes to see the mistake.
    others: tuple[str, ...] = field(default=(), eq=False, order=False)

    def __str__(self) -> str:
        """Render as `file:line: key: text`, leaving out what is not known."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.text) if part)


class ConfigError(Exception):
    """The files cannot be used; `mistakes` lists everything that is wrong with them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """Keep the mistakes in the order of files and lines."""
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
