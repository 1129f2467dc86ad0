"""Identifiers with check digits: bank accounts, cards, books, products, people and taxes of several countries.

One description of a scheme (``schemes``) serves to recognise it in a column (``recognise``) and to write new ones
(``dbsynth.values.identifiers``).
"""

from dbsynth.schema.identifiers.born import Born, Parity, means
from dbsynth.schema.identifiers.recognise import LABEL, Family, bare, follows, padded, recognise
from dbsynth.schema.identifiers.schemes import SCHEMES, Scheme

__all__ = ["LABEL", "SCHEMES", "Born", "Family", "Parity", "Scheme", "bare", "follows", "means", "padded", "recognise"]
