"""What the name of a column says, in English, German, French, Spanish, Portuguese, Italian, Polish and Czech."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from dbsynth.schema.roles.terms import NUMBER_TERMS, TEXT_TERMS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSON_TABLES = _words(
    "actor artist author contact customer client employee staff person people user member patient student teacher "
    "passenger driver doctor owner manager player singer lead subscriber guest visitor recipient salesperson buyer "
    "applicant candidate tenant participant attendee worker kunde kunden mitarbeiter personen benutzer mitglied "
    "schueler lehrer patienten fahrer ansprechpartner angestellte personne utilisateur client employe salarie "
    "adherent eleve enseignant cliente clientes empleado empleados persona personas usuario usuarios paciente "
    "alumno autor funcionario funcionarios pessoa pessoas utilizador aluno dipendente dipendenti persone utente "
    "utenti clienti paziente alunno klient klienci pracownik pracownicy osoba osoby uzytkownik uczen pacjent "
    "zakaznik zakaznici zamestnanec zamestnanci uzivatel pacient zak studenti"
)
"""Tables whose ``name`` is a person's."""
COMPANY_TABLES = _words(
    "company vendor supplier shipper organization organisation manufacturer firma firmen lieferant lieferanten "
    "hersteller entreprise fournisseur fabricant societe empresa empresas proveedor fornecedor fornitore fornitori "
    "azienda dostawca dostawcy dodavatel dodavatele spolecnost"
)
PLACE_TABLES = {
    "city": _words("city town stadt staedte ville ciudad cidade citta miasto mesto"),
    "country": _words("country land laender pays pais paese kraj panstwo zeme countryregion countries"),
    "state": _words("state province stateprovince bundesland provincia regione wojewodztwo kraje estado"),
    "language": _words("language sprache langue idioma lingua jezyk jazyk culture"),
    "currency": _words("currency waehrung devise moneda moeda valuta waluta mena"),
}
NAME_WORDS = _words("name nom nome nombre bezeichnung nazwa nazev jmeno label")
_MEANING_NO_MORE = _words(
    "id ids key type typ tipo kind verified confirmed valid validated at status state_of sent opt count flag "
    "enabled format length len changed updated created expires expiry class category group score preference "
    "preferences template attempts reset "
    "growth mortality density description desc required visible public bounced source domain provider hash"
)
"""Words after which a name means something else: ``email_verified``, ``phone_type``, ``city_id``."""
_QUESTIONS = _words("is has have can should was ist hat est a es tiene e tem ha czy je ma num n count number_of nb")
"""Words before which a name asks or counts: ``is_email``, ``num_phone``."""
_FILLERS = _words(
    "id number no nr num code name value text type line date of per unit total sum min max avg home work mobile "
    "business primary secondary alternate billing shipping ship bill to from contact customer client user person "
    "employee personal private main old new first last current original default raw number nummer numero numer "
    "cislo kunden kunde liefer rechnungs firmen privat adresse geburts telefon datum tag sales purchase order "
    "product item card account credit entity region state province country currency language business modified "
    "created updated number reviewer owner author national login password phone email postal physical web delivery "
    "mail street house flat building thumbnail large small photo picture image file"
)


_SPELLED = {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe"}


def fold(name: str) -> str:
    """Small letters without accents: ``Straße`` -> ``strasse``, ``Größe`` -> ``groesse``."""
    text = name.lower()
    for letter, plain in _SPELLED.items():
        text = text.replace(letter, plain)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def words(name: str) -> str:
    """``CustomerID`` -> ``customer_id``, ``Straße 2`` -> ``strasse_2``."""
    spaced = ""
    for i, letter in enumerate(name):
        before, after = name[i - 1 : i], name[i + 1 : i + 2]
        if letter.isupper() and (before.islower() or before.isdigit() or (before.isupper() and after.islower())):
            spaced += "_"
        spaced += letter
    return re.sub(r"[^a-z0-9]+", "_", fold(spaced)).strip("_")


_KNOWN = frozenset(w for t in (*TEXT_TERMS, *NUMBER_TERMS) for w in t if len(w) > 1) | _FILLERS
_WIDEST = max(map(len, (*TEXT_TERMS, *NUMBER_TERMS)))


@lru_cache(maxsize=4096)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, those that are written as one taken apart: ``phonenumber`` -> phone, number."""
    out: list[str] = []
    for part in words(name).split("_"):
        head = part.rstrip("0123456789")
        if head in _KNOWN or part in _KNOWN or len(part) < 6:
            out += [head if part not in _KNOWN and head else part]
        else:
            out += _taken_apart(head) or [head or part]
    return tuple(t for t in out if t)


def _taken_apart(text: str) -> list[str]:
    """``text`` as known words of at least three letters (``id`` at the end), the fewest; [] where it is none."""
    best: list[list[str] | None] = [[]] + [None] * len(text)
    for end in range(2, len(text) + 1):
        for start in range(max(0, end - 16), end - 1):
            word, before = text[start:end], best[start]
            allowed = len(word) >= 3 or (word in ("id", "to", "ip"))
            if before is not None and allowed and word in _KNOWN:
                found = best[end]
                if found is None or len(before) + 1 < len(found):
                    best[end] = [*before, word]
    return best[-1] or []


def meaning(name: str, terms: dict[tuple[str, ...], str]) -> list[str]:
    """The roles that ``name`` speaks of, the one with the longest and last words first."""
    own = tokens(name)
    found: list[tuple[int, int, str]] = []
    until = 0
    for start in range(len(own)):
        if start < until:
            continue
        for width in range(min(_WIDEST, len(own) - start), 0, -1):
            role = terms.get(own[start : start + width])
            if role is None:
                continue
            if start and own[0] in _QUESTIONS and role != "flag":
                continue
            after = own[start + width : start + width + 1]
            if after and after[0] in _MEANING_NO_MORE:
                continue
            found.append((-width, -start, role))
            until = start + width
            break
    return list(dict.fromkeys(role for _, _, role in sorted(found)))


def number_meaning(name: str) -> list[str]:
    """As ``meaning``, of a number; a name that ends with a word speaks of it: ``standardcost``."""
    found = meaning(name, NUMBER_TERMS)
    whole = words(name).rpartition("_")[2]
    ends = [
        t
        for t in NUMBER_TERMS
        if len(t) == 1 and len(t[0]) >= 3 and whole.endswith(t[0]) and len(whole) > len(t[0]) + 2
    ]
    if not found and ends and not set(tokens(name)) & _MEANING_NO_MORE:
        found = [NUMBER_TERMS[max(ends, key=lambda t: len(t[0]))]]
    return found


def speaks_of(table: str, of: Sequence[str] | frozenset[str]) -> bool:
    """Whether the last word of a table's name, in the singular or the plural, is one of ``of``."""
    last = tokens(table)[-1:] or ("",)
    whole = words(table).replace("_", "")
    forms = {last[0], whole}
    for form in list(forms):
        forms |= {form.removesuffix("s"), form.removesuffix("es"), form[:-3] + "y" if form.endswith("ies") else form}
    return any(form in of for form in forms)
