"""Lists that come in pages (definitions Paginated…: `values` and `@nextLink`)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.speech.errors import MalformedResponse


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One answer of a list operation."""

    values: list[T]
    next_link: str | None


class Paged[T]:
    """All entries of a list, asked for page by page while it is iterated; each iteration asks anew.

    Deleting while iterating makes the service skip entries: make a `list()` first.
    """

    def __init__(self, first_url: str, fetch: Callable[[str], Page[T]]) -> None:
        self._first_url = first_url
        self._fetch = fetch

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[list[T]]:
        """The entries of one answer after the other."""
        url: str | None = self._first_url
        seen: set[str] = set()
        while url:
            if url in seen:
                raise MalformedResponse("the list's next link leads back to a page that was read already")
            seen.add(url)
            page = self._fetch(url)
            yield page.values
            url = page.next_link
