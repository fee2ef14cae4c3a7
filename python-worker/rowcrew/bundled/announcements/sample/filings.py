"""Filings of companies that do not exist: the feed's entry, the letter, and what is true of it.

In: how many, and a seed. Out: samples; the same seed gives the same. Called by `rowcrew demo jobs`, tests and
measurements.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from rowcrew.bundled.announcements.processed import Exchange
from rowcrew.bundled.announcements.sample.wordings import Wording, Wordings, usual

_FIRST: Final = [
    "Meru",
    "Vindhya",
    "Sarayu",
    "Godavari",
    "Kaveri",
    "Nilgiri",
    "Aravali",
    "Satpura",
    "Indus",
    "Konark",
    "Malwa",
    "Deccan",
]
_SECOND: Final = (
    "Foods",
    "Textiles",
    "Polymers",
    "Infra",
    "Pharma",
    "Steels",
    "Motors",
    "Power",
    "Chemicals",
    "Logistics",
)
_BUYERS: Final = (
    "Banyan",
    "Peepal",
    "Neem",
    "Gulmohar",
    "Ashoka",
    "Tamarind",
    "Sandal",
    "Mahua",
    "Kadamba",
    "Champa",
)
_HOUSES: Final = (
    "Capital Private Limited",
    "Investments Pvt. Ltd.",
    "Growth Fund",
    "Holdings LLP",
    "Advisors Limited",
)
_GIVEN: Final = (
    "Ramesh",
    "Anita",
    "Vikram",
    "Sunita",
    "Prakash",
    "Kavita",
    "Arjun",
    "Meena",
    "Rohit",
    "Lata",
)
_FAMILY: Final = (
    "Deshpande",
    "Kulkarni",
    "Menon",
    "Bhatnagar",
    "Chaudhary",
    "Reddy",
    "Banerjee",
    "Pillai",
    "Saxena",
    "Gowda",
)
_TITLES: Final = ("Mr.", "Mrs.", "Shri", "Smt.", "Dr.", "Ms.")
_AGENCIES: Final = ("CRISIL Ratings", "ICRA Limited", "CARE Ratings Limited", "India Ratings and Research")
_ROWS: Final = ("Revenue from operations", "Other income", "Total income", "Profit before tax")
_CUSTOMERS: Final = ("Northern Rail Corporation", "State Power Grid Board", "Harbour Authority of Vindhya")
_FIRST_DAY: Final = datetime(2026, 10, 1, 9, 15)  # noqa: DTZ001 - exchanges tell no zone
_CRORE: Final = 10**7


class Truth(msgspec.Struct, kw_only=True):
    """What is so in a filing. Money is in full units of its currency."""

    category: str
    amounts: set[Decimal] = msgspec.field(default_factory=set)
    dividend: Decimal | None = None
    ratio: str | None = None
    investors: set[str] = msgspec.field(default_factory=set)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A filing, in the shape of its exchange's feed, and what is true of it."""

    exchange: Exchange
    entry: dict[str, Any]
    company: str
    paragraphs: tuple[str, ...]
    truth: Truth


def samples(count: int, seed: int = 0, wordings: Wordings | None = None) -> Iterator[Sample]:
    """So many filings, of all categories in turn, from both exchanges."""
    chance = random.Random(seed)  # noqa: S311 - nothing is secret
    every = [(category, one) for category, some in (wordings or usual()).items() for one in some]
    for number in range(count):
        category, wording = every[number % len(every)]
        yield _sample(number, category, wording, chance)


def _sample(number: int, category: str, wording: Wording, chance: random.Random) -> Sample:
    company = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)} Limited"
    places = Places(company, Truth(category=category), chance)
    paragraphs = tuple(paragraph.format_map(places) for paragraph in wording.paragraphs)
    return filed(number, company, Wording(wording.subject, paragraphs), places.truth)


def filed(number: int, company: str, letter: Wording, truth: Truth) -> Sample:
    """A letter as the feed's filing of this number; BSE and NSE take turns."""
    exchange: Exchange = "BSE" if number % 2 == 0 else "NSE"
    moment = _FIRST_DAY + timedelta(minutes=7 * number)
    told = _bse if exchange == "BSE" else _nse
    entry = told(number, company, letter.subject, letter.paragraphs[0], moment)
    return Sample(exchange=exchange, entry=entry, company=company, paragraphs=letter.paragraphs, truth=truth)


class Places(dict[str, str]):
    """The places of a letter: each is filled anew, and what it was filled with is noted as true."""

    def __init__(self, company: str, truth: Truth, chance: random.Random) -> None:
        super().__init__()
        self._company = company
        self._chance = chance
        self.truth = truth

    def __missing__(self, name: str) -> str:
        return str(getattr(self, f"_{name}_place")())

    def _company_place(self) -> str:
        return self._company

    def _money_place(self) -> str:
        return self._amount(self._chance.randrange(1, 90_000) * 10**5)

    def _rupees_place(self) -> str:
        amount = self._chance.randrange(10_000, 9_000_000)
        self.truth.amounts.add(Decimal(amount))
        return (
            f"{self._chance.choice(('Rs. ', 'INR ', '₹'))}{indian(amount)}{self._chance.choice(('/-', ''))}"
        )

    def _per_share_place(self) -> str:
        return self._rate(Decimal(self._chance.randrange(1_500, 300_000)) / 100)

    def _face_place(self) -> str:
        return self._rate(Decimal(self._chance.choice((1, 2, 5, 10))))

    def _dividend_place(self) -> str:
        self.truth.dividend = Decimal(self._chance.randrange(2, 160)) / 4
        return self._rate(self.truth.dividend)

    def _split_from_place(self) -> str:
        return self._rate(Decimal(10))

    def _split_to_place(self) -> str:
        to = self._chance.choice((1, 2, 5))
        self.truth.ratio = f"10:{to}"
        return self._rate(Decimal(to))

    def _ratio_place(self) -> str:
        self.truth.ratio = f"{self._chance.randrange(1, 6)}:{self._chance.randrange(1, 12)}"
        return self.truth.ratio

    def _shares_place(self) -> str:
        return indian(self._chance.randrange(10_000, 9_000_000))

    def _date_place(self) -> str:
        day = date(2026, 10, 5) + timedelta(days=self._chance.randrange(500))
        return day.strftime(
            self._chance.choice(("%B %d, %Y", "%d %B, %Y", "%d.%m.%Y", "%d/%m/%Y", "%d-%b-%Y"))
        )

    def _other_place(self) -> str:
        return self._chance.choice(_CUSTOMERS)

    def _agency_place(self) -> str:
        return self._chance.choice(_AGENCIES)

    def _buyer_company_place(self) -> str:
        name = f"{self._chance.choice(_BUYERS)} {self._chance.choice(_HOUSES)}"
        self.truth.investors.add(name)
        return name

    _seller_company_place = _buyer_company_place

    def _buyer_person_place(self) -> str:
        name = (
            f"{self._chance.choice(_GIVEN)} {self._chance.choice('ABDKMRS')}. {self._chance.choice(_FAMILY)}"
        )
        self.truth.investors.add(name)
        return f"{self._chance.choice(_TITLES)} {name}"

    def _results_table_place(self) -> str:
        """Rows with the quarter, the one before and the year before; figures are in lakhs."""
        lines = ["(Rs. in lakhs)", "Particulars Quarter ended Sep 2026 Quarter ended Jun 2026 Sep 2025"]
        for row in _ROWS:
            figures = [Decimal(self._chance.randrange(10**4, 10**7)) / 100 for _ in range(3)]
            self.truth.amounts.add(figures[0] * 10**5)
            lines.append(f"{row} {' '.join(indian(figure) for figure in figures)}")
        return "\n".join(lines)

    def _rate(self, amount: Decimal) -> str:
        """Money of a single share."""
        self.truth.amounts.add(amount)
        sign, end = self._chance.choice(("Rs. ", "Rs.", "₹ ", "₹", "INR ")), self._chance.choice(("/-", ""))
        return f"{sign}{amount}{end}"

    def _amount(self, amount: int) -> str:
        self.truth.amounts.add(Decimal(amount))
        sign = self._chance.choice(("Rs. ", "Rs.", "₹ ", "₹", "INR ", "Rupees "))
        in_crore, in_lakh, in_million = (Decimal(amount) / unit for unit in (_CRORE, 10**5, 10**6))
        written = self._chance.choice(
            (
                f"{indian(in_crore)} crore",
                f"{indian(in_crore)} Crores",
                f"{in_crore} Cr",
                f"{indian(in_lakh)} lakhs",
                f"{indian(in_lakh)} lacs",
                f"{in_million:,} million",
                f"{indian(amount)}/-",
                indian(amount),
            )
        )
        return sign + written


def indian(number: int | Decimal) -> str:
    """A number in groups as India writes them: 12,34,567.5."""
    whole, point, rest = format(Decimal(number).normalize(), "f").partition(".")
    head, tail = whole[:-3], whole[-3:]
    groups = []
    while head:
        groups.append(head[-2:])
        head = head[:-2]
    return ",".join([*reversed(groups), tail]) + point + rest


def _bse(number: int, company: str, subject: str, text: str, moment: datetime) -> dict[str, Any]:
    code = 999_001 + number % 900
    return {
        "NEWSID": f"00000000-0000-4000-8000-{number:012}",
        "SCRIP_CD": code,
        "SLONGNAME": company,
        "NEWSSUB": f"{company} - {code} - {subject}",
        "HEADLINE": text[:200],
        "NEWS_DT": moment.isoformat(timespec="milliseconds"),
        "News_submission_dt": moment.isoformat(timespec="milliseconds"),
        "DissemDT": moment.isoformat(timespec="milliseconds"),
        "ATTACHMENTNAME": f"{number:06}.pdf",
        "CATEGORYNAME": "Company Update",
        "SUBCATNAME": "General",
        "CRITICALNEWS": 0,
        "PDFFLAG": 0,
        "Fld_Attachsize": 4096,
        "TotalPageCnt": 1,
        "NSURL": "",
    }


def _nse(number: int, company: str, subject: str, text: str, moment: datetime) -> dict[str, Any]:
    return {
        "symbol": f"SAMPLE{number % 900:03}",
        "sm_name": company,
        "sm_isin": f"INE999A{number % 900:04}0",
        "desc": subject,
        "an_dt": moment.strftime("%d-%b-%Y %H:%M:%S"),
        "sort_date": moment.isoformat(sep=" "),
        "attchmntFile": f"{number:06}.pdf",
        "attchmntText": f"{company} has informed the Exchange: {text[:200]}",
    }
