"""Public names say what they take, return and raise, and where they come from."""

import dataclasses
import inspect
import re

import pytest

import tf_style
from tests.conformance.table import BACKBONE_ROWS, NETWORK_ROWS, OPTIMIZER_ROWS, TERMS
from tf_style import ops

FACTORIES = list({row.factory.__name__: row.factory for row in (*TERMS, *BACKBONE_ROWS, *OPTIMIZER_ROWS)}.values())
NETWORKS = [row.factory for row in NETWORK_ROWS]
OPS = [getattr(ops, name) for name in ops.__all__ if inspect.isfunction(getattr(ops, name))]
PUBLIC = [
    value
    for name in tf_style.__all__
    if callable(value := getattr(tf_style, name)) and getattr(value, "__module__", "").startswith("tf_style")
]


def parameters(function):
    if inspect.isclass(function) and issubclass(function, Exception | tuple):
        return []
    names = [parameter.lstrip("*") for parameter in inspect.signature(function).parameters]
    return [name for name in names if name != "self"]


def section(function, title):
    """The lines of a section of a docstring, or None."""
    found = re.search(rf"^{title}:\n((?:[ ]+.*\n|\n)+)", inspect.getdoc(function) + "\n", re.MULTILINE)
    return found and found[1]


@pytest.mark.parametrize("function", FACTORIES + NETWORKS + OPS, ids=lambda function: function.__name__)
def test_has_a_reference(function):
    reference = section(function, "Reference")
    assert reference, f"{function.__name__} does not say which paper it is from"
    assert re.search(r"\b(19|20)\d\d\b", reference), "a reference has a year"


@pytest.mark.parametrize("function", FACTORIES + OPS, ids=lambda function: function.__name__)
def test_says_what_it_returns(function):
    if "as `vgg19`" not in inspect.getdoc(function):
        assert section(function, "Returns")


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_names_its_arguments(public):
    doc = inspect.getdoc(public)
    assert doc
    assert doc.splitlines()[0].endswith((".", ":"))
    if "as `vgg19`" in doc or public is tf_style.StylizeConfig:  # its fields hold their own help
        return
    if inspect.isclass(public):  # it may name a base class whose arguments it takes
        doc += "".join(inspect.getdoc(base) for base in public.__mro__[1:-1] if f"`{base.__name__}`" in doc)
    names = parameters(public)
    if len(names) == 1:  # its one argument is what the first line speaks of
        return
    missing = [name for name in names if not re.search(rf"\b{name}\b", doc)]
    assert not missing, f"{public.__name__} does not mention {', '.join(missing)}"


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_says_what_it_raises(public):
    """A `raise` in the body is promised in the docstring."""
    raised = set(re.findall(r"raise (?:\w+\.)?(\w*Error)\(", inspect.getsource(public)))
    doc = inspect.getdoc(public)
    if inspect.isclass(public):
        doc += inspect.getsource(public)
    for error in raised - {"AttributeError"}:
        assert error in (section(public, "Raises") or doc), f"{public.__name__} does not say that it raises {error}"


def test_every_option_has_help():
    for field in dataclasses.fields(tf_style.StylizeConfig):
        assert field.metadata["help"], field.name
