"""The terms of a report, explained where they stand."""

from __future__ import annotations

TERMS = {
    "entry": "A word or phrase of the metadata list of a language. A text matches an entry that it contains.",
    "t": "The threshold: an entry that more than t texts contain is thinned towards t of them. Each language has its "
    "own t, at which its tail has the same share of the matches.",
    "head": "The entries that at least t texts contain. Their texts are drawn at random, each with probability "
    "t / count.",
    "tail": "The entries that fewer than t texts contain. They keep all of their texts.",
    "thinned": "An entry is thinned if some of its texts were not drawn. A text stays if any of its entries keeps it.",
    "match": "An occurrence of an entry in a text. A text with three entries counts as three matches.",
    "matched pair": "A pair of image URL and text whose text contains at least one entry.",
    "kept": "Drawn, and so in the manifest, which is the run's result.",
    "expected": "The sum of the probabilities with which the pairs are kept. The draw differs from it by chance.",
    "tail share": "The share of the matches that belong to entries of the tail.",
    "funnel": "The steps from all image links to the kept pairs, with what each step leaves out.",
    "screen": "A check that rejects pairs before matching, such as a list of hosts or words.",
}
