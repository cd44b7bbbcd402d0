"""Which language a text has, and which list of entries takes it, without Spark.

It imports `errors` and nothing else of the package. `identifier` runs the model, `languages` reads languages.csv,
`language_table` maps a label to the language whose list the text is matched with, and `label_rule` chooses between
the model's label and the language that the page declares.
"""

from metaclip_curate.language.identifier import LanguageIdentifier
from metaclip_curate.language.label_rule import LabelRule
from metaclip_curate.language.language_table import LanguageTable, load_language_table
from metaclip_curate.language.languages import OTHER, Language, read_languages

__all__ = [
    "OTHER",
    "LabelRule",
    "Language",
    "LanguageIdentifier",
    "LanguageTable",
    "load_language_table",
    "read_languages",
]
