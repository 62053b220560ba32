"""Checks PromQL against the metric catalogue: metrics, labels and values exist, and survive to where they are used."""

import re

import promql
from catalogue import Catalogue, Series
from promql import Aggregation, Binary, Call, Number, Selector, String, Subquery, Unary

# Functions over counters; what they give is no counter any more.
OVER_COUNTERS = {"rate", "irate", "increase", "resets"}
SCALARS = {"time", "scalar", "pi"}
WITHOUT_LABELS = {"vector"}


class Expressions:
    """Reads expressions over the catalogue's metrics and over recording rules."""

    def __init__(self, catalogue: Catalogue):
        self.catalogue = catalogue
        # What recording rules make, and what each of them reads.
        self.recorded = {}
        self.sources = {}

    def add_rule(self, name: str, expression: str) -> list:
        """Takes a recording rule in; later ones may read it. Returns its faults."""
        labels, faults, used = self.check(expression)
        self.recorded[name] = Series(None, "gauge", frozenset(labels or ()), {})
        self.sources[name] = used
        return faults

    def check(self, expression: str) -> tuple:
        """The labels of an expression's result (None for a scalar), its faults, and the families it reads."""
        try:
            tree = promql.parse(expression)
        except promql.PromQLError as fault:
            return None, [str(fault)], set()
        inference = Inference(self)
        labels = inference.labels(tree)
        # What is said about the labels of a metric that does not exist is noise.
        faults = inference.missing or inference.faults
        return labels, list(dict.fromkeys(faults)), inference.used

    def series(self, name: str) -> Series | None:
        """The series of a metric or recording rule."""
        return self.recorded.get(name) or self.catalogue.series(name)


class Inference:
    """Walks one expression upwards and carries the labels along."""

    def __init__(self, expressions: Expressions):
        self.expressions = expressions
        self.missing = []
        self.faults = []
        self.used = set()

    def labels(self, node) -> frozenset | None:
        """The labels that a node's series may have; None for a scalar or a string."""
        match node:
            case Number() | String():
                return None
            case Selector():
                return self.of_selector(node)
            case Call():
                return self.of_call(node)
            case Aggregation():
                return self.of_aggregation(node)
            case Binary():
                return self.of_binary(node)
            case Unary() | Subquery():
                return self.labels(node.operand)
        raise TypeError(f"no such node: {node}")

    def of_selector(self, node: Selector) -> frozenset:
        """A metric must exist, with the labels and values its matchers name."""
        series = self.expressions.series(node.name)
        if series is None:
            self.missing.append(f"the catalogue has no metric {node.name or 'without a name'}")
            return frozenset(label for label, _, _ in node.matchers)
        self.used |= self.expressions.sources.get(node.name) or ({series.family} if series.family else set())
        for label, _, value in node.matchers:
            if label not in series.labels:
                self.faults.append(f"{node.name} has no label {label}")
            for one in plain_values(value):
                if label in series.known and one not in series.known[label]:
                    self.faults.append(f"{label} of {node.name} is never \"{one}\"")
        return series.labels

    def of_call(self, node: Call) -> frozenset | None:
        """What a function leaves of its argument's labels."""
        inner = [self.labels(argument) for argument in node.arguments]
        vectors = [labels for labels in inner if labels is not None]
        texts = [argument.text for argument in node.arguments if isinstance(argument, String)]
        if node.function in OVER_COUNTERS:
            self.needs_counter(node)
        if node.function in SCALARS:
            return None
        if node.function in WITHOUT_LABELS:
            return frozenset()
        if node.function == "absent":
            return frozenset(label for label, operator, _ in matchers_of(node) if operator == "=")
        if node.function in ("label_replace", "label_join") and texts:
            return vectors[0] | {texts[0]}
        if node.function == "histogram_quantile":
            return self.of_quantile(vectors)
        return vectors[0] if vectors else frozenset()

    def of_quantile(self, vectors: list) -> frozenset:
        """A quantile needs buckets."""
        labels = vectors[-1] if vectors else frozenset()
        if "le" not in labels:
            self.faults.append("histogram_quantile needs the label le")
        return labels - {"le"}

    def needs_counter(self, node: Call) -> None:
        """Only what counts has a rate."""
        for argument in node.arguments:
            series = self.expressions.series(argument.name) if isinstance(argument, Selector) else None
            if series and series.type == "gauge":
                self.faults.append(f"{node.function}() needs a counter, {argument.name} is a gauge")

    def of_aggregation(self, node: Aggregation) -> frozenset:
        """Labels that are kept must be there."""
        inner = self.labels(node.arguments[0]) if node.arguments else frozenset()
        inner = inner or frozenset()
        self.has(node.labels, inner, f"{node.operator} {node.clause} (…)")
        if node.clause == "by":
            return frozenset(node.labels)
        if node.clause == "without":
            return inner - set(node.labels)
        return inner if node.operator in ("topk", "bottomk") else frozenset()

    def of_binary(self, node: Binary) -> frozenset | None:
        """Both sides must have the labels they are matched on."""
        left, right = self.labels(node.left), self.labels(node.right)
        if left is None or right is None:
            return left if right is None else right
        if node.match == "on":
            for side, labels in (("left", left), ("right", right)):
                self.has(node.labels, labels, f"the {side} side of \"{node.operator} on (…)\"")
        elif node.match is None and node.operator != "or":
            self.same(node, left, right)
        self.has(node.included, right if node.group == "group_left" else left, f"{node.group} (…)")
        return matched(node, left, right)

    def same(self, node: Binary, left: frozenset, right: frozenset) -> None:
        """Without `on` and `ignoring`, series only meet where all their labels are equal."""
        if left != right:
            apart = ", ".join(sorted(left ^ right))
            self.faults.append(f"the sides of \"{node.operator}\" differ in labels ({apart}): say on (…)")

    def has(self, wanted, labels, where: str) -> None:
        """Reports wanted labels that are not there."""
        for label in wanted:
            if label not in labels:
                self.faults.append(f"{where} has no label {label}")


def matched(node: Binary, left: frozenset, right: frozenset) -> frozenset:
    """The labels of a binary operator's result."""
    if node.operator == "or":
        return left | right
    if node.operator in promql.SETS or node.group == "group_left":
        return left | set(node.included)
    if node.group == "group_right":
        return right | set(node.included)
    if node.match == "on":
        return frozenset(node.labels)
    return left - set(node.labels)


def matchers_of(node) -> list:
    """The matchers of all selectors beneath a node."""
    return [one for inner in promql.walk(node) if isinstance(inner, Selector) for one in inner.matchers]


def plain_values(pattern: str) -> list:
    """The values that a matcher names one by one; none where it is a pattern or a variable."""
    values = pattern.split("|")
    return values if all(re.fullmatch(r"[\w-]+", value) for value in values) else []


def bare_counters(tree, expressions: Expressions) -> set:
    """Counters outside the functions over counters, which show nothing but the time since the last restart."""
    inside = {
        id(argument) for node in promql.walk(tree)
        if isinstance(node, Call) and node.function in OVER_COUNTERS for argument in node.arguments
    }
    return {
        node.name for node in promql.walk(tree)
        if isinstance(node, Selector) and id(node) not in inside
        and (series := expressions.series(node.name)) and series.type == "counter"
    }
