"""Languages by their function words, and what is known of a language beside the source: common words, and sentences of
nobody's where the source is too small to learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from dbsynth.rng import generator
from dbsynth.values.word_tokens import FINE

ENOUGH = 0.06
"""So many of the words must be function words of the language."""
LOOKED_AT = 400
SENTENCES = 400


@dataclass(frozen=True)
class Language:
    """``provider``: of Faker's list of words ("": it has none); ``functions``: words that show the language; a sentence
    is a subject and a predicate, at times with a circumstance, at times with another after a connector."""

    provider: str
    functions: frozenset[str]
    subjects: tuple[str, ...]
    predicates: tuple[str, ...]
    circumstances: tuple[str, ...]
    connectors: tuple[str, ...]


def _language(
    provider: str, functions: str, subjects: str, predicates: str, circumstances: str, connectors: str
) -> Language:
    parts = [tuple(p.strip() for p in text.split("|")) for text in (subjects, predicates, circumstances, connectors)]
    return Language(provider, frozenset(functions.split()), parts[0], parts[1], parts[2], parts[3])


LANGUAGES: Mapping[str, Language] = {
    "en": _language(
        "en_US",
        "the a and of to in is who must can your that for with was are this be on have it not as by from at you "
        "we will has an or",
        "the team|our supplier|the new model|this version|the order|the second part|a colleague|the report"
        "|everyone here"
        "|the client|the office|this product",
        "was ready before the end of the week|is easy to use and easy to clean|needs a short check by hand"
        "|comes with a new cover|will be sent again on request|has the same size as the last one|asked for more time"
        "|works well in most cases|is kept in the main store|can be changed at any time|was moved to another place"
        "|gives a clear view of the work",
        "in the morning|for a small group|at no extra cost|without any delay|after a long talk|on both sides"
        "|in the next few days|with some help",
        "and|but|because|so",
    ),
    "de": _language(
        "de_DE",
        "der die das und ist nicht ein eine zu den mit von auf für im dem des sich auch wird oder bei aus wir sind",
        "der Bericht|die neue Fassung|unser Lieferant|das Gerät|die Abteilung|der zweite Teil|der Auftrag|die Ware"
        "|ein Kollege|das Büro|die Rechnung|der Kunde",
        "ist seit gestern wieder da|wird in der nächsten Woche geprüft|liegt noch im Lager|passt gut zu den anderen"
        "|kommt mit einem neuen Deckel|braucht etwas mehr Zeit|ist leicht zu bedienen"
        "|wurde an einen anderen Ort gebracht"
        "|kann jederzeit geändert werden|hat dieselbe Größe wie zuvor|bleibt bis auf Weiteres hier"
        "|wird auf Wunsch geliefert",
        "ohne weitere Kosten|am frühen Morgen|für eine kleine Gruppe|auf beiden Seiten|nach langer Zeit"
        "|mit etwas Hilfe"
        "|in den nächsten Tagen|im ganzen Haus",
        "und|aber|denn|doch",
    ),
    "fr": _language(
        "fr_FR",
        "le la les des et est une un du que pour dans avec sur pas qui au par plus ce sont nous vous cette en de",
        "le rapport|la nouvelle version|notre fournisseur|cet appareil|le service|la deuxième partie|la commande"
        "|le produit|un collègue|le bureau|la facture|le client",
        "arrive demain matin|part la semaine prochaine|reste encore dans le dépôt|demande un peu plus de temps"
        "|va bien avec les autres|arrive avec une nouvelle housse|se règle sans aucun outil"
        "|peut changer à tout moment"
        "|garde la même taille que le dernier|fonctionne dans la plupart des cas|se trouve dans la grande salle"
        "|donne une idée claire du travail",
        "sans frais de plus|tôt le matin|pour un petit groupe|des deux côtés|après une longue attente"
        "|avec un peu d'aide"
        "|dans les prochains jours|à la fin du mois",
        "et|mais|car|donc",
    ),
    "es": _language(
        "es_ES",
        "el la los las que de y en un una es para con por del se no su al lo como más está son este esta",
        "el informe|la nueva versión|nuestro proveedor|este aparato|el servicio|la segunda parte|el pedido"
        "|el producto"
        "|un compañero|la oficina|la factura|el cliente",
        "llega mañana por la mañana|sale la próxima semana|queda todavía en el almacén"
        "|necesita un poco más de tiempo|va bien con los demás|llega con una funda nueva"
        "|se usa sin ninguna herramienta"
        "|puede cambiar en cualquier momento|tiene el mismo tamaño que el anterior"
        "|funciona en la mayoría de los casos"
        "|se guarda en la sala grande|da una idea clara del trabajo",
        "sin coste alguno|por la mañana temprano|para un grupo pequeño|por los dos lados|después de una larga espera"
        "|con algo de ayuda|en los próximos días|al final del mes",
        "y|pero|porque|así que",
    ),
    "pt": _language(
        "",
        "o a os as que de e em um uma é para com por do da não se no na como mais está são este esta ao",
        "o relatório|a nova versão|o nosso fornecedor|este aparelho|o serviço|a segunda parte|o pedido|o produto"
        "|um colega|o escritório|a fatura|o cliente",
        "chega amanhã de manhã|sai na próxima semana|fica ainda no armazém|precisa de um pouco mais de tempo"
        "|combina bem com os outros|vem com uma capa nova|funciona sem nenhuma ferramenta"
        "|pode mudar a qualquer momento"
        "|tem o mesmo tamanho que o anterior|funciona na maior parte dos casos|fica na sala grande"
        "|dá uma ideia clara do trabalho",
        "sem custo algum|de manhã cedo|para um grupo pequeno|dos dois lados|depois de uma longa espera"
        "|com alguma ajuda"
        "|nos próximos dias|no fim do mês",
        "e|mas|porque|por isso",
    ),
    "it": _language(
        "it_IT",
        "il lo la i gli le di e che un una è per con non del della in si da sono come più questo questa al nel",
        "il rapporto|la nuova versione|il nostro fornitore|questo apparecchio|il servizio|la seconda parte|l'ordine"
        "|il prodotto|un collega|l'ufficio|la fattura|il cliente",
        "arriva domani mattina|parte la prossima settimana|resta ancora nel deposito|richiede un po' più di tempo"
        "|va bene con gli altri|arriva con una nuova custodia|si usa senza alcuno strumento"
        "|può cambiare in ogni momento"
        "|ha la stessa misura del precedente|funziona nella maggior parte dei casi|si trova nella sala grande"
        "|dà un'idea chiara del lavoro",
        "senza altri costi|al mattino presto|per un piccolo gruppo|da entrambi i lati|dopo una lunga attesa"
        "|con un po' di aiuto|nei prossimi giorni|alla fine del mese",
        "e|ma|perché|quindi",
    ),
    "pl": _language(
        "pl_PL",
        "i w na z do nie się jest to że o po jak przez od dla za oraz są był jego który która lub tym",
        "nowy raport|druga wersja|nasz dostawca|to urządzenie|cały dział|druga część|zamówienie|ten produkt"
        "|mój kolega"
        "|nasze biuro|ostatnia faktura|stały klient",
        "czeka od wczoraj rano|trafi do nas w przyszłym tygodniu|leży jeszcze w magazynie|wymaga trochę więcej czasu"
        "|pasuje do wszystkich innych|działa bez żadnych narzędzi|może się zmienić w każdej chwili"
        "|ma taki sam rozmiar jak poprzednio"
        "|działa w większości przypadków|znajduje się w dużej sali|daje jasny obraz pracy|zostaje na swoim miejscu",
        "bez dodatkowych kosztów|wcześnie rano|dla małej grupy|po obu stronach|po długiej przerwie|z niewielką pomocą"
        "|w najbliższych dniach|pod koniec miesiąca",
        "i|ale|bo|więc",
    ),
    "cs": _language(
        "cs_CZ",
        "a se v na je že to s z do o i za pro by ale si po jako tak jsou od nebo byl podle při který která",
        "nová zpráva|druhá verze|náš dodavatel|tento přístroj|celé oddělení|druhá část|poslední zakázka|tento výrobek"
        "|jeden kolega|naše kancelář|poslední faktura|stálý zákazník",
        "čeká od včerejšího rána|přijde v příštím týdnu|leží ještě ve skladu|potřebuje trochu více času"
        "|se hodí ke všem ostatním|funguje bez dalších nástrojů|se může kdykoli změnit"
        "|má stejnou velikost jako minule"
        "|funguje ve většině případů|stojí ve velkém sále|dává jasný obraz o práci|zůstává na svém místě",
        "bez dalších nákladů|brzy ráno|pro malou skupinu|na obou stranách|po dlouhé přestávce|s malou pomocí"
        "|v nejbližších dnech|na konci měsíce",
        "a|ale|protože|takže",
    ),
    "nl": _language(
        "nl_NL",
        "de het een en van is in op te dat niet met voor zijn aan er om ook door bij als naar wordt deze dit uit",
        "het rapport|de nieuwe versie|onze leverancier|dit toestel|de afdeling|het tweede deel|de bestelling"
        "|het product"
        "|een collega|het kantoor|de factuur|de klant",
        "is sinds gisteren weer terug|wordt volgende week gecontroleerd|ligt nog in het magazijn"
        "|past goed bij de andere"
        "|komt met een nieuwe hoes|heeft wat meer tijd nodig|is makkelijk in gebruik|is naar een andere plek gebracht"
        "|kan op elk moment worden veranderd|heeft dezelfde maat als de vorige|blijft voorlopig hier"
        "|geeft een helder beeld van het werk",
        "zonder extra kosten|vroeg in de ochtend|voor een kleine groep|aan beide kanten|na een lange tijd"
        "|met wat hulp"
        "|in de komende dagen|aan het eind van de maand",
        "en|maar|want|dus",
    ),
}  # fmt: skip


def language_of(values: Sequence[str]) -> str | None:
    """The language (a key of ``LANGUAGES``) whose function words ``values`` have most of; None: of none enough."""
    words = [w.casefold() for v in values[:LOOKED_AT] for w in FINE.findall(v[:2000])]
    shares = {name: sum(w in known.functions for w in words) for name, known in LANGUAGES.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= max(2, ENOUGH * len(words)) else None


@lru_cache(maxsize=16)
def common_words(language: str) -> tuple[str, ...]:
    """Words of ``language`` that everybody uses, its function words not among them."""
    known = LANGUAGES[language]
    words = import_module(f"faker.providers.lorem.{known.provider}").Provider.word_list if known.provider else ()
    phrases = " ".join(known.subjects + known.predicates + known.circumstances)
    found = dict.fromkeys([*words, *FINE.findall(phrases)])
    return tuple(w for w in found if w.isalpha() and len(w) > 2 and w.casefold() not in known.functions)


def sentences(language: str, seed: int) -> list[str]:
    """Plain sentences of ``language``, in a fixed order for a seed."""
    known, rng = LANGUAGES[language], generator(seed, "sentences")

    def clause() -> str:
        parts = [known.subjects, known.predicates] + ([known.circumstances] if rng.random() < 0.5 else [])
        return " ".join(p[rng.integers(len(p))] for p in parts)

    out = []
    for _ in range(SENTENCES):
        text = clause()
        if rng.random() < 0.3:
            text += f", {known.connectors[rng.integers(len(known.connectors))]} {clause()}"
        out.append(text[:1].upper() + text[1:] + ".")
    return out
