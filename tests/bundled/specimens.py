"""Documents that show what pages and slides look like, and a command that draws them all for the eye.

`python -m tests.bundled.specimens DIRECTORY [NAME …]` writes each document as PDF and as PPTX, and pictures
of all pages and slides where poppler and LibreOffice are installed. Look at them before and after a change.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from rowcrew.bundled.documents.document import Document
from rowcrew.bundled.documents.look import LOOKS
from rowcrew.bundled.documents.number_format import NumberFormat
from rowcrew.bundled.documents.paper.pages import printed
from rowcrew.bundled.documents.paper.sheet import Paper
from rowcrew.bundled.documents.slides.deck import Deck, shown
from rowcrew.bundled.exports.report import document_of
from rowcrew.bundled.model_run.kept import ModelRunKey
from rowcrew.bundled.model_run.scenarios import run_scenarios
from tests.bundled.saas_payload import FULL, REFERENCE, model

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LOREM: Final = (
    "The quarter closed ahead of plan in every region but one, and the pipeline for the next two quarters "
    "covers the forecast one and a half times. "
)


class Specimen(msgspec.Struct, frozen=True):
    """A document and how it is to look."""

    document: Document
    template: Any = "board"
    locale: Any = "en-US"


def report(template: Any, payload: dict[str, Any], locale: Any = "en-US", **changes: Any) -> Specimen:
    run = run_scenarios(model(payload, **changes), ModelRunKey("model", "0" * 64, 1), _Silent())  # type: ignore[arg-type]
    return Specimen(document_of(run, template, NumberFormat(locale, run.currency)), template, locale)


def chart(type: str, categories: list[str], values: list[Any], **more: Any) -> dict[str, Any]:
    return {"type": type, "categories": categories, "series": [{"name": "Value", "values": values}]} | more


def periods(count: int) -> list[str]:
    return [f"{MONTHS[month % 12]} {27 + month // 12}" for month in range(count)]


def written(*sections: dict[str, Any], locale: str = "en-US", **more: Any) -> Specimen:
    document = {"title": "Third quarter", "footer": "Confidential", "sections": list(sections)} | more
    return Specimen(msgspec.convert(document, Document), locale=locale)


def _figures() -> Specimen:
    money = {"format": "money", "decimals": 0}
    nine = [{"label": f"Figure {n}", "value": 12_500.5 * n, "note": "a note", **money} for n in range(1, 10)]
    long = [
        {"label": "Net revenue retention of customers who have stayed for more than twelve months in a row",
         "value": 1.184, "format": "percent"},
        {"label": "Cash", "value": 12_345_678, **money,
         "note": "after the second closing of the seed round, before fees, taxes and repayment of the loan"},
        {"label": "Status", "value": "On track for the second closing by end of September"},
        {"label": "Rounded", "value": -0.004, "format": "money"},
    ]  # fmt: skip
    return written(
        {"heading": "Nine figures", "figures": nine},
        {"heading": "Long words in figures", "figures": long, "text": LOREM * 2},
        {"heading": "One figure", "figures": nine[:1]},
        footer="A footer that is longer than any page is wide, " * 4,
    )


def _charts() -> Specimen:
    names = [
        "Northern Harbour Logistics", "Southern Cross Freight Forwarding", "Old Mill Bakery and Sons",
        "Green Valley Solar Parks", "Blue Ocean Fisheries", "Central Station Retail",
    ]  # fmt: skip
    money = {"format": "money"}
    long = [
        {"name": f"{which} customers on annual contracts with a discount", "values": values}
        for which, values in (("Large", [1, 3, 2]), ("Small", [2, 2, 3]))
    ]
    charts = {
        "Named categories": chart("bar", names, [5.2, 3.1, 4.4, 2.9, 3.8, 1.2]),
        "Losses": chart("bar", ["Jul", "Aug", "Sep"], [-120_000, 40_000, -75_000], **money),
        "One bar": chart("bar", ["2027"], [3]),
        "Counts": chart("bar", ["a", "b", "c", "d"], [1, 4, 2, 3]),
        "Small percentages": chart("line", ["Jan", "Feb", "Mar"], [0.004, 0.005, 0.007], format="percent"),
        "Close amounts": chart("line", ["Jan", "Feb", "Mar"], [2_000_000, 2_010_000, 2_040_000], **money),
        "Tiny numbers": chart("line", ["Jan", "Feb"], [0.0001, 0.0005]),
        "Billions": chart("area", ["2026", "2027", "2028"], [6.4e9, 7.1e9, 7.9e9], **money),
        "One point": chart("line", ["Jan 27"], [420]),
        "One area": chart("area", ["Jan 27"], [420]),
        "A lone point": chart("line", ["a", "b", "c", "d"], [1, None, 3, None]),
        "Two years": chart("line", periods(24), [n * 1_000 for n in range(24)], **money),
        "Five years": chart("bar", periods(60), [(n - 20) * 1_000 for n in range(60)], **money),
        "A thousand": chart("line", [f"Day {n}" for n in range(1_000)], [n % 37 for n in range(1_000)]),
        "Long names": {"type": "line", "categories": ["Jul", "Aug", "Sep"], "series": long},
        "Stacked": {"type": "stackedBar", "categories": ["Jul", "Aug", "Sep"], "series": [
            {"name": "In", "values": [5, 4, 6]}, {"name": "Out", "values": [-3, -5, -2]}]},
    }  # fmt: skip
    return written(*({"heading": name, "chart": each | {"title": name}} for name, each in charts.items()))


def _texts() -> Specimen:
    bullets = "\n".join(f"- {LOREM}" for _ in range(5))
    return written(
        {"heading": "Bullets", "text": f"{LOREM}\n\n{bullets}"},
        {"heading": "Eight paragraphs", "text": "\n\n".join([LOREM * 9] * 8)},
        {"heading": "Part two"},
        {"heading": "Short", "text": LOREM},
        {"heading": "Beside a chart", "text": LOREM * 2, "chart": chart("bar", ["a", "b"], [3, 4])},
    )


def _tables() -> Specimen:
    ledger = [[n, f"2027-03-{n % 28 + 1:02d}", f"Card payment {n}", n * 7.5 - 900] for n in range(60)]
    heads = ["No.", "Date", "Memo", {"label": "Amount", "format": "money"}]
    lines = [[f"Product line number {n}", 0.0312, n * 1_000.0, 5.5] for n in range(8)]
    ratios = [
        "Line", {"label": "Churn a month", "format": "percent"}, {"label": "Revenue per customer"},
        {"label": "Payback, months"},
    ]  # fmt: skip
    cell = [["Long", "\n".join([LOREM * 8] * 3), 3], ["Short", "fits", 4]]
    return written(
        {"heading": "Ledger", "table": {"columns": heads, "rows": ledger}},
        {"heading": "Words", "text": "\n\n".join([LOREM * 5] * 5)},
        {"heading": "Revenue lines", "table": {"columns": ratios, "rows": lines, "title": "By line"}},
        {"heading": "A long cell", "table": {"columns": ["What", "Why", "How many"], "rows": cell}},
    )


def _wide() -> Specimen:
    columns = ["Line", *(f"Column {n}" for n in range(59))]
    rows = [[f"Row {row}", *(row * n * 1234.5 for n in range(59))] for row in range(9)]
    return written({"heading": "Sixty columns", "table": {"columns": columns, "rows": rows}})


def _scripts() -> Specimen:
    arabic = "الإيرادات ارتفعت إلى 5,000 (USD)."
    return written(
        {"heading": "שלום עולם", "text": f"ההכנסות עלו ל-5,000 (USD).\n\n{arabic}"},
        {"heading": "Thai and signs", "text": "ราคา 5 ₾ ₿ ₼ ৳ ៛ \u200e؋ 🙂 हिन्दी"},
        {
            "heading": "Other scripts",
            "text": "Ελλάδα Україна 日本語 中文 한국어 ₹ € ₺ Հայերեն ქართული",
        },
        {"heading": "Table", "table": {"columns": ["שם", "Sum"], "rows": [["דנה כהן", 5], ["Ann", 6]]}},
    )


def _indian() -> Specimen:
    rupees = chart("bar", ["FY25", "FY26", "FY27"], [2.1e7, 3.4e7, 5.6e7], format="money", title="Revenue")
    lakhs = chart("line", ["FY25", "FY26"], [250_000, -310_000], format="money")
    figures = [{"label": "Revenue", "value": 5.6e7, "format": "money"}]
    rupee_section = {"heading": "Rupees", "figures": figures, "chart": rupees}
    return written(rupee_section, {"chart": lakhs}, locale="en-IN", currency="INR")


SCENARIOS: Final[dict[str, Any]] = {f"case {n}": [] for n in range(12)} | {"base": []}
SPECIMENS: Final = {
    "month": lambda: report("investor", REFERENCE, months=1),
    "two-years": lambda: report("board", REFERENCE),
    "four-years": lambda: report("investor", FULL, scenarios={"base": [], "low": [], "P90": []}),
    "ten-years": lambda: report("plain", FULL, months=120, scenarios=SCENARIOS),
    "german": lambda: report("board", REFERENCE, "de-DE", currency="EUR", openingCash=9_000_000),
    "figures": _figures,
    "charts": _charts,
    "texts": _texts,
    "tables": _tables,
    "wide": _wide,
    "scripts": _scripts,
    "indian": _indian,
}


class _Silent:
    def progress(self, *told: Any) -> None:
        """Nobody waits."""


def pdf(specimen: Specimen) -> bytes:
    numbers = NumberFormat(specimen.locale, specimen.document.currency)
    paper = Paper(look=LOOKS[specimen.template], numbers=numbers, page_size="A4")
    return printed(specimen.document, paper, lambda page, pages: None)[0]


def pptx(specimen: Specimen) -> bytes:
    numbers = NumberFormat(specimen.locale, specimen.document.currency)
    deck = Deck(look=LOOKS[specimen.template], numbers=numbers, slide_size="16:9")
    return shown(specimen.document, deck, lambda slide, slides: None)[0]


def main(directory: Path, names: list[str]) -> None:
    """Draw these, or all."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names or SPECIMENS:
        specimen = SPECIMENS[name]()
        (directory / f"{name}.pdf").write_bytes(pdf(specimen))
        (directory / f"{name}.pptx").write_bytes(pptx(specimen))
        _pictures(directory, name)


def _pictures(directory: Path, name: str) -> None:
    if not shutil.which("pdftoppm"):
        return
    subprocess.run(["pdftoppm", "-r", "50", "-png", f"{name}.pdf", f"{name}-page"], cwd=directory, check=True)
    if shutil.which("soffice"):
        slides = directory.resolve() / "slides"
        convert = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(slides), f"{name}.pptx"]
        subprocess.run(convert, cwd=directory, check=True, capture_output=True)
        draw = ["pdftoppm", "-r", "50", "-png", str(slides / f"{name}.pdf"), f"{name}-slide"]
        subprocess.run(draw, cwd=directory, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
