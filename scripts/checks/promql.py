"""Reads PromQL: text to a tree, as far as checks need it. Grammar: Prometheus, "Querying basics" and "Operators"."""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
  | (?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[a-zA-Z_][a-zA-Z0-9_:]*)
  | (?P<symbol>=~|!~|!=|==|>=|<=|[-+*/%^(){}\[\],=<>@:])
    """,
    re.VERBOSE,
)
AGGREGATIONS = set("sum min max avg group stddev stdvar count count_values bottomk topk quantile".split())
WITH_PARAMETER = {"count_values", "bottomk", "topk", "quantile"}
COMPARISONS = {"==", "!=", ">", "<", ">=", "<="}
SETS = {"and", "or", "unless"}
# Loosest first; operators of one level are read from the left, but ^ from the right.
LEVELS = [{"or"}, {"and", "unless"}, COMPARISONS, {"+", "-"}, {"*", "/", "%", "atan2"}]


class PromQLError(Exception):
    """Text that is no PromQL, with the place where reading stopped."""


@dataclass
class Number:
    """A number, or a duration in brackets."""

    text: str


@dataclass
class String:
    """A string literal without its quotes."""

    text: str


@dataclass
class Selector:
    """Series by name and matchers; each matcher is (label, operator, value)."""

    name: str
    matchers: list
    is_range: bool = False


@dataclass
class Call:
    """A function with its arguments."""

    function: str
    arguments: list


@dataclass
class Aggregation:
    """An aggregation; `clause` is `by`, `without` or None."""

    operator: str
    clause: str | None
    labels: list
    arguments: list


@dataclass
class Binary:
    """An operator between two expressions and how their series are matched."""

    operator: str
    left: object
    right: object
    match: str | None = None
    labels: list = field(default_factory=list)
    group: str | None = None
    included: list = field(default_factory=list)


@dataclass
class Unary:
    """A sign before an expression."""

    operand: object


@dataclass
class Subquery:
    """An expression over a range of its own."""

    operand: object


def parse(text: str):
    """The tree of an expression."""
    reader = Reader(text)
    tree = reader.binary(0)
    if reader.kind() is not None:
        reader.fail("an operator or the end")
    return tree


def walk(tree):
    """The tree's nodes, each before those beneath it."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def children(tree) -> list:
    """The expressions right beneath a node."""
    match tree:
        case Call() | Aggregation():
            return tree.arguments
        case Binary():
            return [tree.left, tree.right]
        case Unary() | Subquery():
            return [tree.operand]
        case _:
            return []


class Reader:
    """Reads one expression by recursive descent."""

    def __init__(self, text: str):
        self.text = text
        self.tokens = list(tokens(text))
        self.place = 0

    # Tokens

    def kind(self, ahead: int = 0) -> str | None:
        """What kind the next token is; None at the end."""
        at = self.place + ahead
        return self.tokens[at][0] if at < len(self.tokens) else None

    def value(self, ahead: int = 0) -> str | None:
        """The next token's text; None at the end."""
        at = self.place + ahead
        return self.tokens[at][1] if at < len(self.tokens) else None

    def take(self) -> str:
        """The next token's text; moves on."""
        if self.place >= len(self.tokens):
            self.fail("more")
        self.place += 1
        return self.tokens[self.place - 1][1]

    def expect(self, text: str) -> None:
        """Moves over a token that must be there."""
        if self.value() != text:
            self.fail(f"'{text}'")
        self.place += 1

    def fail(self, wanted: str):
        """Says where reading stopped."""
        found = "the end" if self.value() is None else f"'{self.value()}'"
        raise PromQLError(f"expected {wanted}, found {found} in: {' '.join(self.text.split())}")

    # Expressions

    def binary(self, level: int):
        """An expression whose operators bind at least as tightly as `level`."""
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.kind() in ("symbol", "word") and self.value() in LEVELS[level]:
            left = self.after_operator(left, self.take(), lambda: self.binary(level + 1))
        return left

    def after_operator(self, left, operator: str, read_right):
        """The modifiers and the right side of a binary operator."""
        node = Binary(operator, left, None)
        if self.value() == "bool":
            self.take()
        if self.value() in ("on", "ignoring"):
            node.match, node.labels = self.take(), self.names()
        if self.value() in ("group_left", "group_right"):
            node.group = self.take()
            node.included = self.names() if self.value() == "(" else []
        node.right = read_right()
        return node

    def unary(self):
        """A sign, or a power; `^` binds tighter than a sign and is read from the right."""
        if self.kind() == "symbol" and self.value() in ("-", "+"):
            self.take()
            return Unary(self.unary())
        left = self.postfix()
        if self.value() == "^" and self.kind() == "symbol":
            return self.after_operator(left, self.take(), self.unary)
        return left

    def postfix(self):
        """An operand with its range, offset or @."""
        operand = self.operand()
        while self.kind() is not None:
            if self.value() == "[":
                operand = self.ranged(operand)
            elif self.value() == "offset":
                self.take()
                if self.value() == "-":
                    self.take()
                self.duration()
            elif self.value() == "@":
                self.take()
                self.operand()
            else:
                break
        return operand

    def ranged(self, operand):
        """A selector over a range, or a subquery."""
        self.expect("[")
        self.duration()
        is_subquery = self.value() == ":"
        if is_subquery:
            self.take()
            if self.value() != "]":
                self.duration()
        self.expect("]")
        if is_subquery:
            return Subquery(operand)
        if not isinstance(operand, Selector):
            self.fail("a selector before a range")
        return Selector(operand.name, operand.matchers, is_range=True)

    def duration(self) -> None:
        """Moves over a duration."""
        if self.kind() != "duration":
            self.fail("a duration")
        self.take()

    def operand(self):
        """A number, a string, a selector, a call, an aggregation or something in brackets."""
        kind = self.kind()
        if kind in ("number", "duration"):
            return Number(self.take())
        if kind == "string":
            return String(unquoted(self.take()))
        if kind == "word":
            return self.named()
        if self.value() == "(":
            self.take()
            inner = self.binary(0)
            self.expect(")")
            return inner
        if self.value() == "{":
            return Selector("", self.matchers())
        return self.fail("an expression")

    def named(self):
        """What begins with a word."""
        word = self.take()
        if word in AGGREGATIONS and self.value() in ("(", "by", "without"):
            return self.aggregation(word)
        if self.value() == "(":
            return Call(word, self.arguments())
        if word.lower() in ("inf", "nan"):
            return Number(word)
        return Selector(word, self.matchers() if self.value() == "{" else [])

    def aggregation(self, operator: str) -> Aggregation:
        """An aggregation; its clause stands before or after the arguments."""
        clause, labels = self.clause()
        arguments = self.arguments()
        if clause is None:
            clause, labels = self.clause()
        if operator in WITH_PARAMETER and len(arguments) == 2:
            arguments = arguments[1:]
        return Aggregation(operator, clause, labels, arguments)

    def clause(self) -> tuple:
        """`by (...)` or `without (...)`, where there is one."""
        if self.value() in ("by", "without"):
            return self.take(), self.names()
        return None, []

    def arguments(self) -> list:
        """Expressions in brackets."""
        return self.listed("(", ")", lambda: self.binary(0))

    def names(self) -> list:
        """Labels in brackets."""
        return self.listed("(", ")", self.name)

    def name(self) -> str:
        """A label's name."""
        if self.kind() != "word":
            self.fail("a label")
        return self.take()

    def matchers(self) -> list:
        """Matchers in braces."""
        return self.listed("{", "}", self.matcher)

    def matcher(self) -> tuple:
        """One matcher."""
        label = self.name()
        operator = self.take()
        if operator not in ("=", "!=", "=~", "!~") or self.kind() != "string":
            self.fail("a matcher such as label=\"value\"")
        return label, operator, unquoted(self.take())

    def listed(self, opening: str, closing: str, read) -> list:
        """Items between brackets, separated by commas."""
        self.expect(opening)
        items = []
        while self.value() != closing:
            items.append(read())
            if self.value() != ",":
                break
            self.take()
        self.expect(closing)
        return items


def tokens(text: str):
    """The tokens of a text as (kind, text), without white space and comments."""
    place = 0
    while place < len(text):
        found = TOKEN.match(text, place)
        if not found:
            raise PromQLError(f"'{text[place]}' is no PromQL in: {' '.join(text.split())}")
        place = found.end()
        if found.lastgroup != "space":
            yield found.lastgroup, found.group()


def unquoted(literal: str) -> str:
    """A string literal's text."""
    if literal[0] == "`":
        return literal[1:-1]
    return re.sub(r"\\(.)", lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]), literal[1:-1])
