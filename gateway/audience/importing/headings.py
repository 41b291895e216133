"""What a column most likely holds, from its heading in several languages and from what stands below it.

Owns the words of headings. A suggestion only: the person who imports decides, and sees the dry run first.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from gateway.domain.attributes import check_field_name
from gateway.domain.errors import DomainError

NUMBER: Final = "number"
IGNORE: Final = "ignore"
ATTRIBUTE: Final = "attribute:"

# English, French, Italian, Romanian, Spanish, German; folded to lower case without accents.
_WORDS: Final = {
    NUMBER: """phone phonenumber mobile mobilephone cellphone number tel telephone msisdn gsm whatsapp sms
        telephoneportable portable numero numerodetelephone numerotelephone nummobile telmobile mobilenumber
        telefono cellulare numeroditelefono telefonocellulare cell telefon mobil numardetelefon numartelefon
        telefonmobil nrtelefon movil telefonomovil celular numerodetelefono handy handynummer telefonnummer
        mobilnummer rufnummer""",
    "first_name": """firstname first givenname forename prenom nome prenume nombre vorname""",
    "last_name": """lastname last surname familyname nom nomdefamille cognome nume numedefamilie apellido
        apellidos nachname familienname""",
    "language": """language lang locale langue lingua limba idioma sprache""",
    "country": """country countrycode pays codepays paese nazione tara pais land""",
    "tag": """tag tags label labels etiquette etiquettes etichetta etichette eticheta etichete etiqueta
        etiquetas schlagwort""",
    "consent": """consent optin smsconsent marketingconsent smsmarketingconsent acceptssmsmarketing
        acceptsmarketing consentement consenso consimtamant consentimiento einwilligung""",
    "consent_date": """consentdate consentedat optindate optinat dateconsentement dateoptin datadelconsenso
        dataconsenso dataconsimtamant fechaconsentimiento""",
}
_ROLE_OF_WORD: Final = {word: role for role, words in _WORDS.items() for word in words.split()}

_DIGITS: Final = (8, 15)
_NUMBER_SHAPE: Final = re.compile(r"['=\"]*\+?[\d\s().\-/\u00a0\u202f]{8,30}(?:[.,]?\d*[eE]\+?\d{1,2})?[\"]?")
_NUMBER_SHARE: Final = 0.5
"""Of the filled cells: exports hold landlines and remarks among mobile numbers."""


def fold_heading(text: str) -> str:
    """Letters and digits only, lower case, without accents: `N° de téléphone` is `ndetelephone`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum() and character.isascii())


def name_field(heading: str) -> str | None:
    """The field that a heading would make, `Date d'achat` → `date_d_achat`; None where none is possible."""
    decomposed = unicodedata.normalize("NFKD", heading.casefold())
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:40].rstrip("_")
    name = f"_{name}"[:40] if name[:1].isdigit() else name
    try:
        return check_field_name(name)
    except DomainError:
        return None


def role_of_heading(heading: str) -> str | None:
    """The fixed role that a heading names, else None."""
    return _ROLE_OF_WORD.get(fold_heading(heading))


def looks_like_number(text: str) -> bool:
    """Whether a cell has the shape of a telephone number of any country."""
    stripped = text.strip()
    if not _NUMBER_SHAPE.fullmatch(stripped):
        return False
    return _DIGITS[0] <= sum(character.isdigit() for character in stripped) <= _DIGITS[1]


def has_heading(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows names the columns."""
    first = rows[0]
    if any(looks_like_number(cell) for cell in first):
        return False
    if any(role_of_heading(cell) for cell in first):
        return True
    below_are_numbers = any(looks_like_number(cell) for row in rows[1:] for cell in row)
    return below_are_numbers and all(cell.strip() for cell in first)


def suggest_columns(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A role for each column; `heading` is empty where the file has none. A role other than tag is given
    once, the number to the column with most numbers among those whose heading says so."""
    width = max(map(len, [heading, *rows]), default=0)
    named = [role_of_heading(heading[place]) if place < len(heading) else None for place in range(width)]
    shares = [_share_of_numbers(rows, place) for place in range(width)]
    number_at = _choose_number(named, shares)
    roles: list[str] = []
    for place in range(width):
        role = named[place]
        if place == number_at:
            role = NUMBER
        elif role == NUMBER or (role in roles and role != "tag"):
            role = IGNORE
        elif role is None:
            field = name_field(heading[place]) if place < len(heading) else None
            role = IGNORE if field is None else f"{ATTRIBUTE}{field}"
            role = IGNORE if role in roles else role
        roles.append(role)
    return roles


def _choose_number(named: Sequence[str | None], shares: Sequence[float]) -> int | None:
    candidates = [place for place, role in enumerate(named) if role == NUMBER]
    if not candidates:
        candidates = [place for place, share in enumerate(shares) if share >= _NUMBER_SHARE]
    return max(candidates, key=lambda place: (shares[place], -place), default=None)


def _share_of_numbers(rows: Sequence[Sequence[str]], place: int) -> float:
    filled = [row[place] for row in rows if place < len(row) and row[place].strip()]
    return sum(map(looks_like_number, filled)) / len(filled) if filled else 0.0
