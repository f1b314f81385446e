"""Reading YAML, as TRD keeps its settings, into texts with their lines. No types are guessed."""

from typing import Any, Final

import yaml

from bakehouse.errors import InputError
from bakehouse.importers.old_document import Node
from bakehouse.importers.place import Place

_DEPTH_MAX: Final = 40


def read_yaml(text: str, file: str) -> Node:
    """Read a document; raises InputError with file and line.

    Anchors are refused: TRD has no use for them, and a small file of them can fill any memory.
    """
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, yaml.SafeLoader)):
            raise InputError(f"{file} refers to parts of itself: write them out")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        # What stands there is not repeated: it may be a secret.
        raise Place(file, line).mistake("this is not YAML; is the file cut off?") from None
    except yaml.YAMLError:
        raise InputError(f"{file} is not YAML: it has signs that no text has") from None
    except RecursionError:
        raise InputError(f"{file} is nested too deep to be settings") from None
    if root is None:
        raise InputError(f"{file} is empty")
    return _node(root, file, 0)


def _node(found: Any, file: str, depth: int) -> Node:
    place = Place(file, found.start_mark.line + 1)
    if depth > _DEPTH_MAX:
        raise place.mistake("this is nested too deep to be settings")
    if isinstance(found, yaml.ScalarNode):
        return Node(place, text=found.value, is_quoted=found.style is not None)
    if isinstance(found, yaml.SequenceNode):
        return Node(place, items=[_node(each, file, depth + 1) for each in found.value])
    entries: dict[str, Node] = {}
    for key, value in found.value:
        where = Place(file, key.start_mark.line + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise where.mistake("a name must be a single value")
        if key.value in entries:
            raise where.mistake(f"{key.value[:64]!r} is there a second time")
        entries[key.value] = _node(value, file, depth + 1)
    return Node(place, entries=entries)
