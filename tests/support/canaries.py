"""Secrets planted on purpose, and a search for them in every form in which one might get out."""

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import attrs
import zstandard

#: The other alphabet of base64, turned into the usual one.
_URLSAFE = bytes.maketrans(b"-_", b"+/")
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@attrs.frozen
class Canary:
    """One secret."""

    name: str
    value: bytes

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and bytes of every form that is looked for."""
        yield "clear", self.value
        yield "reversed", self.value[::-1]
        yield "hex", self.value.hex().encode()
        yield "hex in capitals", self.value.hex().upper().encode()
        yield "percent", quote(self.value, safe="").encode()
        yield "every byte percent", b"".join(b"%%%02X" % byte for byte in self.value)
        yield "escaped", b"".join(b"\\x%02x" % byte for byte in self.value)
        yield "utf-16", self.value.decode("latin-1").encode("utf-16-le")
        yield "base32", base64.b32encode(self.value).rstrip(b"=")
        for offset in range(3):
            yield f"base64 at {offset}", _within_base64(self.value, offset)


def found(canaries: list[Canary], content: bytes) -> list[str]:
    """Say which canaries are in these bytes, and in which form."""
    if content.startswith(ZSTD_MAGIC):
        content += zstandard.ZstdDecompressor().decompressobj().decompress(content)
    other_alphabet = content.translate(_URLSAFE)
    return [
        f"{canary.name} in {form}"
        for canary in canaries
        for form, data in canary.forms()
        if data in content or (form.startswith("base64") and data in other_alphabet)
    ]


def found_in_files(canaries: list[Canary], folder: Path) -> list[str]:
    """Say which canaries are in the files, names included, under a folder."""
    told = []
    for path in sorted(folder.rglob("*")):
        told += [f"{path.name}: {what}" for what in found(canaries, str(path.name).encode())]
        if path.is_file():
            told += [f"{path}: {what}" for what in found(canaries, path.read_bytes())]
    return told


def _within_base64(value: bytes, offset: int) -> bytes:
    """The characters of base64 that depend on the value alone, with `offset` bytes before it."""
    text = base64.b64encode(b"\0" * offset + value)
    begin = -(-offset * 8 // 6)
    end = (offset + len(value)) * 8 // 6
    return text[begin:end]
