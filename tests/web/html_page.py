"""A page taken apart: is it whole, what does it say, where does it lead."""

from collections import Counter
from html.parser import HTMLParser

_VOID = {"base", "br", "img", "input", "link", "meta", "hr"}
_HIDDEN = {"title", "head"}


class Page(HTMLParser):
    """Reads a page strictly: whatever is opened must be closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        #: The attributes of each input.
        self.fields: list[dict[str, str]] = []
        #: What is chosen in each select: the first choice unless another is marked.
        self.chosen: dict[str, str] = {}
        self._select = ""
        self.title = ""
        #: What stands between script tags: it would have to be allowed to run.
        self.inline_scripts = ""
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def text(self) -> str:
        """What is read, with single spaces."""
        return " ".join(" ".join(self._texts).split())

    def values(self, attribute: str, tag: str | None = None) -> list[str]:
        """Every value of an attribute, of one kind of element or of all."""
        return [
            value
            for element, name, value in self.attributes
            if name == attribute and tag in {None, element}
        ]

    @property
    def entries(self) -> dict[str, str]:
        """What a browser would send of all forms: values, ticked boxes, what is chosen."""
        return self.chosen | {
            field["name"]: field.get("value", "")
            for field in self.fields
            if "name" in field
            and (field.get("type") not in {"checkbox", "radio"} or "checked" in field)
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        assert (tag, self._open[-1:]) != ("title", ["head"]) or not self.title, "two titles"
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "input":
            self.fields.append({name: value or "" for name, value in attrs})
        found = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = found.get("name", "")
        if tag == "option" and (self._select not in self.chosen or "selected" in found):
            self.chosen[self._select] = found.get("value", "")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> comes too early"

    def handle_data(self, data: str) -> None:
        # A drawing may have titles of its own.
        if self._open[-2:] == ["head", "title"]:
            self.title += data
        if self._open[-1:] == ["script"]:
            self.inline_scripts += data
        if not _HIDDEN & set(self._open):
            self._texts.append(data)
