"""Find documents as the metadata cache's clients ask: query strings and simple queries.

A small part of Elasticsearch's query language: `query_string` with words, "phrases",
`field:value`, AND, OR, NOT, + and -, parentheses and the wildcards * and ?; and `match`,
`match_phrase`, `term`, `terms`, `bool`, `exists`, `match_all`. Words match whole words in any
letter case; there is no scoring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Matcher = Callable[[dict[str, Any]], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<sign>[+\-!])(?=\S)"
    r'|(?:(?P<field>(?:\\.|[\w.@*])+):)?(?:"(?P<phrase>(?:\\.|[^"\\])*)"'
    r"|(?P<word>(?:\\.|[^\s()\":])(?:\\.|[^\s()\"])*)|(?P<group>(?=\()))"
    r"|(?P<junk>\S))"
)
_MAX_DEPTH = 50
_WORDS = re.compile(r"\w+", re.UNICODE)


class BadQuery(ValueError):
    """A query that is not understood."""


def values_at(document: Any, path: str) -> Iterator[Any]:
    """Yield the leaf values below a dotted path; lists count as all of their items."""
    if isinstance(document, list):
        for item in document:
            yield from values_at(item, path)
    elif not path:
        yield from _leaves(document)
    elif isinstance(document, dict):
        for key, value in document.items():
            if path == key:
                yield from _leaves(value)
            elif path.startswith(f"{key}."):
                yield from values_at(value, path[len(key) + 1 :])


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value


def _spell(value: Any) -> str:
    return str(value).lower()


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _word_matcher(field: str, text: str, *, phrase: bool) -> Matcher:
    path = "" if field in ("", "*") else field.removesuffix(".*").removesuffix(".keyword")
    wanted = [word.lower() for word in _WORDS.findall(text)]
    pattern = None
    if not phrase and re.search(r"(?<!\\)[*?]", text):
        glob = re.escape(_unescape(text).lower()).replace(r"\*", ".*").replace(r"\?", ".")
        pattern = re.compile(glob, re.DOTALL)

    def matches(document: dict[str, Any]) -> bool:
        for value in values_at(document, path):
            spelled = _spell(value)
            words = _WORDS.findall(spelled)
            if pattern is not None:
                if pattern.fullmatch(spelled) or any(map(pattern.fullmatch, words)):
                    return True
            elif spelled == text.lower() or _contains(words, wanted):
                return True
        return False

    return matches


def _contains(words: list[str], wanted: list[str]) -> bool:
    size = len(wanted)
    if not size:
        return False
    return any(words[start : start + size] == wanted for start in range(len(words) - size + 1))


class _Parser:
    """Reads one query string; words side by side are joined by OR, as Elasticsearch does."""

    def __init__(self, text: str) -> None:
        self._tokens = [match for match in _TOKEN.finditer(text) if match.group().strip()]
        self._at = 0
        self._depth = 0

    def parse(self) -> Matcher:
        matcher = self._clauses("")
        if self._at != len(self._tokens):
            raise BadQuery("the parentheses do not match")
        return matcher

    def _peek(self, offset: int = 0) -> re.Match[str] | None:
        at = self._at + offset
        return self._tokens[at] if at < len(self._tokens) else None

    def _clauses(self, field: str) -> Matcher:
        must: list[Matcher] = []
        must_not: list[Matcher] = []
        should: list[Matcher] = []
        joined = False
        while (token := self._peek()) is not None and not token["close"]:
            word = token["word"] if token["field"] is None else None
            if word in ("AND", "&&", "OR", "||"):
                if word in ("AND", "&&") and not joined and should:
                    must.append(should.pop())
                joined = word in ("AND", "&&")
                self._at += 1
                continue
            sign, clause = self._signed(field)
            if sign in ("-", "!"):
                must_not.append(clause)
            elif sign == "+" or joined:
                must.append(clause)
            else:
                should.append(clause)
            joined = joined and self._next_is_and()
        return _combined(must, must_not, should)

    def _next_is_and(self) -> bool:
        token = self._peek()
        return token is not None and token["word"] in ("AND", "&&")

    def _signed(self, field: str) -> tuple[str, Matcher]:
        token = self._tokens[self._at]
        if token["sign"] or (token["word"] == "NOT" and token["field"] is None):
            self._at += 1
            if self._peek() is None:
                raise BadQuery("nothing follows a sign")
            return token["sign"] or "-", self._clause(field)
        return "", self._clause(field)

    def _clause(self, field: str) -> Matcher:
        token = self._tokens[self._at]
        self._at += 1
        if token["junk"] or token["close"] or token["sign"]:
            raise BadQuery(f"{token.group().strip()!r} is out of place")
        name = _unescape(token["field"]) if token["field"] else field
        if token["open"]:
            return self._group(field)
        if token["group"] is not None:
            self._at += 1
            return self._group(name)
        if token["phrase"] is not None:
            return _word_matcher(name, _unescape(token["phrase"]), phrase=True)
        text = token["word"]
        return _word_matcher(name, text if "*" in text else _unescape(text), phrase=False)

    def _group(self, field: str) -> Matcher:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise BadQuery(f"parentheses nest deeper than {_MAX_DEPTH} levels")
        inner = self._clauses(field)
        self._depth -= 1
        if self._peek() is None:
            raise BadQuery("a parenthesis is not closed")
        self._at += 1
        return inner


def _combined(
    must: list[Matcher], must_not: list[Matcher], should: list[Matcher], at_least: int = 0
) -> Matcher:
    needed = at_least or (1 if should and not must else 0)

    def matches(document: dict[str, Any]) -> bool:
        return (
            all(matcher(document) for matcher in must)
            and not any(matcher(document) for matcher in must_not)
            and sum(matcher(document) for matcher in should) >= needed
        )

    return matches


def _one(body: Any) -> tuple[str, Any]:
    if not isinstance(body, dict) or len(body) != 1:
        raise BadQuery("a clause names exactly one field")
    return next(iter(body.items()))


def _field_clause(kind: str, body: Any) -> Matcher:
    field, wanted = _one({k: v for k, v in body.items() if k != "boost"})
    if isinstance(wanted, dict):
        wanted = wanted.get("query", wanted.get("value"))
    if kind == "terms":
        return _combined([], [], [_exact(field, value) for value in wanted])
    if kind == "term":
        return _exact(field, wanted)
    if kind == "match_phrase":
        return _word_matcher(field, str(wanted), phrase=True)
    words = _WORDS.findall(str(wanted)) or [str(wanted)]
    return _combined([], [], [_word_matcher(field, word, phrase=True) for word in words])


def _exact(field: str, value: Any) -> Matcher:
    path = field.removesuffix(".keyword")
    return lambda document: any(
        _spell(found) == _spell(value) for found in values_at(document, path)
    )


def _clause_list(body: Any) -> list[Matcher]:
    return [compile_query(item) for item in (body if isinstance(body, list) else [body])]


def _everything(_: dict[str, Any]) -> bool:
    return True


def compile_query(query: Any) -> Matcher:
    """Turn a query document into a test of documents.

    Args:
        query: What a client sends as `query`; None or {} finds everything.

    Raises:
        BadQuery: If it uses what is not supported here.
    """
    if not query:
        return _everything
    if isinstance(query, str):
        return _Parser(query).parse()
    kind, body = _one(query)
    if kind == "match_all":
        return _everything
    if kind in ("query_string", "simple_query_string"):
        return _Parser(str(body.get("query", ""))).parse()
    if kind in ("match", "match_phrase", "term", "terms"):
        return _field_clause(kind, body)
    if kind == "exists":
        return lambda document: any(True for _ in values_at(document, str(body["field"])))
    if kind == "bool":
        return _combined(
            _clause_list(body.get("must", [])) + _clause_list(body.get("filter", [])),
            _clause_list(body.get("must_not", [])),
            _clause_list(body.get("should", [])),
            int(body.get("minimum_should_match", 0)),
        )
    raise BadQuery(f"{kind} queries are not supported by the embedded network")
