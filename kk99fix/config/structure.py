"""TOML content to attrs classes, with every mistake found rather than the first.

cattrs does the walking; the hooks here are strict where its own are lenient (`int("5")`,
`bool("no")`, a string taken for a list).
An attribute that ends in `_e8` holds the key without that ending.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Annotated, Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.cols import mapping_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from kk99fix.config.certificates import (
    ClientCertificate,
    ClientCertificates,
    Issued,
    Pin,
    parse_pin,
)
from kk99fix.config.decimals import parse_e8
from kk99fix.config.errors import Mistake
from kk99fix.config.toml_file import BareDecimal, KeyPath, TomlFile
from kk99fix.config.values import E8, Network, Secret

T = TypeVar("T")


class WrongValueError(ValueError):
    """A value in a file that is not what it should be; the text says what was found."""


def structure(file: TomlFile, type_: type[T]) -> T | list[Mistake]:
    """Return the file's content as `type_`, or everything that is wrong with it."""
    try:
        return _CONVERTER.structure(file.data, type_)
    except (cattrs.BaseValidationError, WrongValueError) as error:
        return list(_mistakes(file, error, ()))


def _mistakes(file: TomlFile, error: Exception, path: KeyPath) -> Iterator[Mistake]:
    """Walk the tree of groups that cattrs builds and turn its leaves into mistakes."""
    path = (*path, *_step(error))
    match error:
        case cattrs.BaseValidationError():
            for inner in error.exceptions:
                yield from _mistakes(file, inner, path)
        case cattrs.ForbiddenExtraKeysError():
            for key in sorted(error.extra_fields):
                yield file.mistake((*path, key), _unexpected(key, error.cl))
        case KeyError():
            yield file.mistake(path, "is missing")
        case WrongValueError():
            yield file.mistake(path, str(error))
        case _:
            raise error


def _step(error: Exception) -> KeyPath:
    """Return the key or position that cattrs noted on an error, if it did."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, cattrs.AttributeValidationNote):
            return (_key(note.name),)
        if isinstance(note, cattrs.IterableValidationNote):
            return (note.index,)
    return ()


def _unexpected(key: str, type_: type) -> str:
    """Say why a key should not be there."""
    known = [_key(attribute.name) for attribute in attrs.fields(type_)]
    close = get_close_matches(key, known, n=1)
    if close:
        return f'is unknown; did you mean "{close[0]}"?'
    return f"is unknown; known here: {', '.join(known)}"


def _key(attribute_name: str) -> str:
    return attribute_name.removesuffix("_e8")


def found(value: object) -> str:
    """Render what stands in a file, for the start of a message."""
    match value:
        case bool():
            return f"found {str(value).lower()}"
        case BareDecimal():
            return f"found {value} without quotes"
        case str():
            return f'found "{value}"'
        case dict():
            return "found a table"
        case list():
            return "found a list"
        case _:
            return f"found {value}"


def _strict(*types: type, right: str) -> Callable[[Any, Any], Any]:
    """Return a hook that takes exactly these types."""

    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - cattrs hooks take anything
        if type(value) not in types:
            raise WrongValueError(f"{found(value)}; {right} would be right")
        return value

    return hook


def _structure_e8(value: object, _: Any) -> E8:  # noqa: ANN401 - a cattrs hook
    """Take decimal text or a whole number; a bare decimal would have been a float elsewhere."""
    if isinstance(value, BareDecimal):
        raise WrongValueError(f'{found(value)}; "{value}" would be right: decimals are exact text')
    if type(value) is int:
        value = str(value)
    if type(value) is not str:
        raise WrongValueError(f'{found(value)}; a decimal in quotes such as "0.01" would be right')
    try:
        return E8(parse_e8(value))
    except ValueError as error:
        raise WrongValueError(f"{found(value)}; {error}") from None


def _structure_network(value: object, _: Any) -> Network:  # noqa: ANN401 - a cattrs hook
    if type(value) is not str:
        raise WrongValueError(f'{found(value)}; a network such as "10.1.0.0/16" would be right')
    try:
        return ip_network(value)
    except ValueError:
        right = 'a network such as "10.1.0.0/16"'
    with suppress(ValueError):
        right = f'"{ip_network(value, strict=False)}"'
    raise WrongValueError(f"{found(value)}; {right} would be right")


def _structure_certificate(value: object, _: Any) -> Pin | Issued:  # noqa: ANN401 - a cattrs hook
    """Take a pin, or a table of CA and subject."""
    if isinstance(value, dict):
        return _CONVERTER.structure(value, Issued)
    if type(value) is not str:
        right = '"sha256:..." or { ca = "...", subject = "..." }'
        raise WrongValueError(f"{found(value)}; {right} would be right")
    try:
        return parse_pin(value)
    except ValueError as error:
        raise WrongValueError(f"{found(value)}; {error}") from None


def _structure_certificates(value: object, type_: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a cattrs hook
    """Take one certificate or a list of them."""
    if isinstance(value, list):
        return _structure_tuple(value, type_)
    return (_structure_certificate(value, None),)


def _structure_annotated(value: object, type_: Any) -> Any:  # noqa: ANN401 - a cattrs hook
    """Structure the bare type, then apply the rules that are attached to it."""
    bare, *rules = get_args(type_)
    result = _CONVERTER.structure(value, bare)
    shown = "this value is kept out of messages"
    if not any(isinstance(rule, Secret) for rule in rules):
        shown = found(value)
    for rule in rules:
        try:
            rule.check(result)
        except ValueError as error:
            raise WrongValueError(f"{shown}; {error}") from None
    return result


def _class_hook(type_: Any) -> Callable[[Any, Any], Any]:  # noqa: ANN401 - a cattrs hook factory
    """Return the hook of one attrs class: keys by `_key`, unknown ones refused."""
    names: dict[str, Any] = {
        attribute.name: override(rename=_key(attribute.name)) for attribute in attrs.fields(type_)
    }
    inner = make_dict_structure_fn(type_, _CONVERTER, _cattrs_forbid_extra_keys=True, **names)
    return _table_hook(inner)


def _table_hook(inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Guard a hook of cattrs, which fails in its own words on what is no table."""

    def hook(value: Any, type_: Any) -> Any:  # noqa: ANN401 - a cattrs hook
        if not isinstance(value, dict):
            raise WrongValueError(f"{found(value)}; a table would be right")
        return inner(value, type_)

    return hook


def _structure_tuple(value: object, type_: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a cattrs hook
    """Take a list of any length for `tuple[X, ...]`, of exactly that length for `tuple[X, Y]`."""
    if not isinstance(value, list):
        raise WrongValueError(f"{found(value)}; a list would be right")
    types = get_args(type_)
    if types[-1] is Ellipsis:
        types = types[:1] * len(value)
    if len(types) != len(value):
        raise WrongValueError(
            f"found a list of {len(value)}; a list of {len(types)} would be right"
        )
    items, errors = [], []
    for index, (item, item_type) in enumerate(zip(value, types, strict=True)):
        try:
            items.append(_CONVERTER.structure(item, item_type))
        except (cattrs.BaseValidationError, WrongValueError) as error:
            error.add_note(cattrs.IterableValidationNote("list item", index, item_type))
            errors.append(error)
    if errors:
        raise cattrs.IterableValidationError("list", errors, type_)
    return tuple(items)


def _is(origin: Any) -> Callable[[Any], bool]:  # noqa: ANN401 - Annotated is no type
    return lambda type_: get_origin(type_) is origin


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook(bool, _strict(bool, right="true or false"))
    converter.register_structure_hook(int, _strict(int, right="a whole number without quotes"))
    converter.register_structure_hook(str, _strict(str, right="text in quotes"))
    converter.register_structure_hook(
        date, _strict(date, right="a date such as 2026-12-18 without quotes")
    )
    converter.register_structure_hook_func(lambda type_: type_ is E8, _structure_e8)
    converter.register_structure_hook_func(lambda type_: type_ == Network, _structure_network)
    converter.register_structure_hook_func(_is(tuple), _structure_tuple)
    converter.register_structure_hook_func(
        lambda type_: type_ == ClientCertificates, _structure_certificates
    )
    converter.register_structure_hook_func(
        lambda type_: type_ == ClientCertificate, _structure_certificate
    )
    converter.register_structure_hook_factory(
        _is(dict), lambda type_: _table_hook(mapping_structure_factory(type_, converter))
    )
    converter.register_structure_hook_func(_is(Annotated), _structure_annotated)
    converter.register_structure_hook_factory(attrs.has, _class_hook)
    return converter


_CONVERTER = _make_converter()
