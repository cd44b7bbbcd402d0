"""Which metadata entries a text contains, without Spark.

It imports options and nothing above them. `Matcher` finds the entries of whole arrays of texts by an automaton;
`spacing` puts spaces around words before that.
"""

from metaclip_curate.matching.matcher import Matcher

__all__ = ["Matcher"]
