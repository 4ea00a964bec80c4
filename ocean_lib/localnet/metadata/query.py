"""Find documents as the metadata cache's clients ask: query strings and simple queries.

A small part of Elasticsearch's query language: `query_string` with words, "phrases",
`field:value`, AND, OR, NOT, + and -, parentheses and the wildcards * and ?; and `match`,
`match_phrase`, `term`, `terms`, `bool`, `exists`, `match_all`. Words match whole words in any
letter case; there is no scoring. Queries have a greatest length, and their answers a deadline, as
all clients share the network's threads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ocean_lib.localnet.metadata.leaves import WORDS, BadQuery, Leaves, glob, spelled_of, words_of

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<sign>[+\-!])(?=\S)"
    r'|(?:(?P<field>(?:\\.|[\w.@*])+):)?(?:"(?P<phrase>(?:\\.|[^"\\])*)"'
    r"|(?P<word>(?:\\.|[^\s()\":])(?:\\.|[^\s()\"])*)|(?P<group>(?=\()))"
    r"|(?P<junk>\S))"
)
_MAX_DEPTH = 50
_MAX_QUERY = 64 * 1024
_WILDCARD = re.compile(r"(?:\\.|[^*?\\])*[*?]", re.DOTALL)
Matcher = Callable[[Leaves], bool]


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _path(field: str) -> str:
    return "" if field in ("", "*") else field.removesuffix(".*").removesuffix(".keyword")


def _text_matcher(field: str, text: str) -> Matcher:
    path, spelled = _path(field), text.lower()
    words = words_of(spelled)
    if words == "\0":
        return lambda leaves: any(leaf.spelled == spelled for leaf in leaves.at(path))
    return lambda leaves: any(
        leaf.spelled == spelled or words in leaf.words for leaf in leaves.at(path)
    )


def _word_matcher(field: str, text: str) -> Matcher:
    """Match a word as it stands in a query string: escaped, perhaps with wildcards."""
    if not _WILDCARD.match(text):
        return _text_matcher(field, _unescape(text))
    path, fits = _path(field), glob(text.lower())
    return lambda leaves: any(any(map(fits, leaf.parts)) for leaf in leaves.at(path))


class _Parser:
    """Reads one query string; words side by side are joined by OR, as Elasticsearch does."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_TOKEN.finditer(text.strip()))
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
            return _text_matcher(name, _unescape(token["phrase"]))
        return _word_matcher(name, token["word"])

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

    def matches(leaves: Leaves) -> bool:
        return (
            all(matcher(leaves) for matcher in must)
            and not any(matcher(leaves) for matcher in must_not)
            and sum(matcher(leaves) for matcher in should) >= needed
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
        return _text_matcher(field, str(wanted))
    words = WORDS.findall(str(wanted)) or [str(wanted)]
    return _combined([], [], [_text_matcher(field, word) for word in words])


def _exact(field: str, value: Any) -> Matcher:
    path, spelled = field.removesuffix(".keyword"), spelled_of(value)
    return lambda leaves: any(leaf.spelled == spelled for leaf in leaves.at(path))


def _clause_list(body: Any) -> list[Matcher]:
    return [_compile(item) for item in (body if isinstance(body, list) else [body])]


def _everything(_: Leaves) -> bool:
    return True


def compile_query(query: Any) -> Matcher:
    """Turn a query document into a test of documents.

    Args:
        query: What a client sends as `query`; None or {} finds everything.

    Raises:
        BadQuery: If it uses what is not supported here, or is too long.
    """
    if len(json.dumps(query)) > _MAX_QUERY:
        raise BadQuery(f"it is longer than {_MAX_QUERY} bytes")
    return _compile(query)


def _compile(query: Any) -> Matcher:
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
        return lambda leaves: bool(leaves.at(str(body["field"])))
    if kind == "bool":
        return _combined(
            _clause_list(body.get("must", [])) + _clause_list(body.get("filter", [])),
            _clause_list(body.get("must_not", [])),
            _clause_list(body.get("should", [])),
            int(body.get("minimum_should_match", 0)),
        )
    raise BadQuery(f"{kind} queries are not supported by the embedded network")
