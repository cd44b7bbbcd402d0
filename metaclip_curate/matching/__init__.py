"""Which metadata entries a text contains, without Spark.

It imports options and nothing above them. Texts and entries are first normalised (`normalization`) and then spaced
(`spacing`, `katakana`). `Matcher` finds the entries of whole arrays of texts by an automaton.
"""

from metaclip_curate.matching.matcher import Matcher

__all__ = ["Matcher"]
