"""The one rule that says whether an answer can be used."""

MINIMUM_PROBABILITY = 0.5
"""An answer is invalid where its most probable class is less probable than this."""


def is_valid(probability: float) -> bool:
    """Whether an answer whose most probable class has this probability can be used."""
    return probability >= MINIMUM_PROBABILITY
