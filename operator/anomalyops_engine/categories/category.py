"""A category: what its messages have in common, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anomalyops_engine.analyzers.java_patterns import escaped
from anomalyops_engine.categories.statements import Element, Word

EXAMPLE_LENGTH: Final = 1000
_ELLIPSIS: Final = "..."
# Terms and expression of a definition together, as in Elasticsearch.
_MOST_CHARACTERS: Final = 10_000
_OVERHEAD_BYTES: Final = 400
_WORD_BYTES: Final = 120


@dataclass(slots=True, kw_only=True)
class Category:
    """Messages of one statement.

    Attributes:
        id: its number in the job, from 1.
        elements: what its messages have in common.
        matches: number of its messages.
        longest: characters of its longest message.
        examples: some of its messages, different ones.
        preferred_to: categories whose messages would be this one's now.
        heir: place of the category that is preferred to this one, which is dead then: it gets no messages any more.
    """

    id: int
    elements: tuple[Element, ...]
    matches: int = 0
    longest: int = 0
    examples: list[str] = field(default_factory=list)
    preferred_to: list[int] = field(default_factory=list)
    heir: int | None = None

    def add_examples(self, texts: Sequence[str], limit: int) -> bool:
        """Keep those messages that are new, as long as there is room for examples; returns whether any was."""
        before = len(self.examples)
        for text in texts:
            if len(self.examples) >= limit:
                break
            example = text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - len(_ELLIPSIS)] + _ELLIPSIS
            if example not in self.examples:
                self.examples.append(example)
        return len(self.examples) > before

    @property
    def bytes(self) -> int:
        """Bytes that it takes, about."""
        words = sum(_WORD_BYTES + len(e.term) + len(e.surface) for e in self.elements if e is not None)
        return _OVERHEAD_BYTES + words + sum(map(len, self.examples))

    def definition(self) -> dict[str, Any]:
        """Return `terms` and `regex`: words that all of its examples have, in order."""
        words = self._common_words()
        pattern = f".*?{'.+?'.join(map(escaped, words))}.*" if words else ".*"
        return {"terms": " ".join(words), "regex": pattern}

    def _common_words(self) -> list[str]:
        """The words that are found in order in every example, at least one character between two."""
        ends = [0] * len(self.examples)
        chosen: list[str] = []
        length = 0
        for element in self.elements:
            if element is None or not element.surface:
                continue
            word, gap = element.surface, 1 if chosen else 0
            found = [text.find(word, end + gap) for text, end in zip(self.examples, ends, strict=True)]
            length += 2 * len(word) + 4
            if any(place < 0 for place in found) or length > _MOST_CHARACTERS:
                continue
            ends = [place + len(word) for place in found]
            chosen.append(word)
        return chosen

    def pack(self) -> list[Any]:
        """Return plain values for `unpack`."""
        elements = [None if e is None else [e.term, e.surface, e.firm] for e in self.elements]
        return [self.id, elements, self.matches, self.longest, self.examples, self.preferred_to, self.heir]

    @classmethod
    def unpack(cls, plain: Sequence[Any]) -> Category:
        """Return the category that `pack` described."""
        number, elements, matches, longest, examples, preferred_to, heir = plain
        return cls(
            id=number,
            elements=tuple(None if e is None else Word(*e) for e in elements),
            matches=matches,
            longest=longest,
            examples=list(examples),
            preferred_to=list(preferred_to),
            heir=heir,
        )
