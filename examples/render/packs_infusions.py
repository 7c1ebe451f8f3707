"""The fruit infusions of the catalogue. Brand, codes and numbers are invented."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .artwork import Sheet
from .drawings import hills, sprig
from .drawings_shop import bramble, flower, ginger, lemon, scatter
from .packs_shop import CM, Copy, Face, Pack, date_panel, facts, round_seal, sticker

SIZE = (14.0, 9.0, 6.5)
CLAIM = "CAFFEINE FREE"


@dataclass(frozen=True)
class Infusion:
    """One kind of fruit infusion, in boxes of so many bags."""

    sku: str
    name: str
    note: str
    bags: int
    grams: int
    dark: str
    light: str
    wash: str
    fruit: str
    ingredients: str
    gtin: str


_BERRIES = "Ingredients: hibiscus, rosehip (24%), apple, blackberry leaves, raspberry (3%), natural flavouring."
_LEMON = "Ingredients: ginger (42%), lemon peel (14%), lemongrass, liquorice root, apple, natural flavouring."

# Wild Berry comes in two boxes of one artwork: only the numbers differ.
INFUSIONS = (
    Infusion(
        "LRK-TEA-BER20",
        "Wild Berry",
        "with hibiscus and rosehip",
        20,
        50,
        "#6d2348",
        "#b2496f",
        "#f6dfe3",
        "berry",
        _BERRIES,
        "2033105620178",
    ),
    Infusion(
        "LRK-TEA-BER40",
        "Wild Berry",
        "with hibiscus and rosehip",
        40,
        100,
        "#6d2348",
        "#b2496f",
        "#f6dfe3",
        "berry",
        _BERRIES,
        "2033105620246",
    ),
    Infusion(
        "LRK-TEA-LEM20",
        "Lemon Ginger",
        "with lemongrass",
        20,
        45,
        "#8a6410",
        "#d9a52b",
        "#fbf0cd",
        "lemon",
        _LEMON,
        "2033105620314",
    ),
)


def _fruit(sheet: Sheet, kind: Infusion) -> None:
    leaf = ("#3f6b4a", "#6f9a63")
    sheet.draw.ellipse((790, 90, 1360, 660), fill=kind.wash)
    sprig(sheet, (1310, 330), 260, leaf)
    if kind.fruit == "berry":
        sprig(sheet, (880, 260), 300, leaf)
        flower(sheet, (1220, 250), 190, [(5, 0.95, 0.75, "#e3b7c6", "#fff4f4")], "#e8c24f", 12)
        for middle, size, dark, light in (
            ((930, 420), 270, "#3b1a3c", "#5d2f63"),
            ((1230, 450), 250, "#a81f45", "#d9476a"),
            ((1075, 500), 320, "#45204a", "#6c3a72"),
            ((1060, 250), 200, "#b0244b", "#e0557a"),
        ):
            bramble(sheet, middle, size, dark, light, leaf[1])
    else:
        ginger(sheet, (1200, 500), 330)
        for middle, size in (((1000, 280), 260), ((1215, 280), 210), ((985, 520), 250)):
            lemon(sheet, middle, size)


def infusion_front(kind: Infusion, copy: Copy) -> Face:
    """The front of a box of fruit infusion, its barcode on it."""
    sheet = Sheet(1400, 900, "#fffaf0")
    ink = "#33302b"
    sheet.gradient((0, 0, 1400, 900), "#fffdf7", "#f7ecd9")
    scatter(sheet, (0, 0, 1400, 700), 64, "#efe5d0", 150, np.random.default_rng(47))
    _fruit(sheet, kind)
    hills(sheet, (0, 650, 1400, 900), [(kind.light, (0.08, 0.0, 0.12, 0.02)), (kind.dark, (0.18, 0.10, 0.20, 0.12))])
    logo = (44.0, 40.0, 234.0, 230.0)
    sheet.draw.ellipse(logo, fill=copy.logo or "#24507a")
    sheet.draw.ellipse((56, 52, 222, 218), outline="#fdf0d0", width=4)
    sprig(sheet, (139, 132), 120, ("#fdf0d0", "#f3d48a"))
    sheet.text((262, 128), "LARK & HOLLOW", "sans-bold", 60, ink, "ls", 3)
    sheet.text((264, 184), "fruit infusions", "serif", 46, ink, "ls")
    sheet.text((56, 376), kind.name, "serif-bold", 112, kind.dark, "ls")
    sheet.text((62, 450), kind.note, "serif", 54, ink, "ls")
    sheet.panel((58, 482, 560, 554), kind.light, 36)
    sheet.text((309, 534), copy.claim or CLAIM, "sans-bold", 46, "#fffaf0", "ms")
    sheet.paragraph((62, 598), kind.ingredients, 720, "sans", 27, ink, 1.4)
    date_panel(sheet, (56, 738, 470, 862), "BEST BEFORE", copy.date, ink, 50)
    sheet.text((510, 802), f"{kind.bags} tea bags", "sans-bold", 82, "#fffaf0", "ls")
    sheet.text((514, 862), f"net weight {kind.grams} g", "sans", 44, "#fdebc8", "ls")
    if copy.sticker:
        sticker(sheet, (505, 735, 920, 812), copy.sticker, "sans-bold", 62)
    sheet.barcode((1024, 724), kind.gtin, 3, 118)
    seal = (1150.0, 0.0, 1350.0, 158.0)
    if copy.sealed:
        seal = round_seal(sheet, (1250, 62), 100, [("SEALED", "sans-bold", 38), ("for freshness", "sans", 22)])
    sheet.card_edge()
    return Face(
        sheet,
        {
            "logo": logo,
            "seal": seal,
            "claim": (58, 482, 560, 554),
            "net": (505, 735, 930, 870),
            "variant": (50, 270, 780, 465),
            "motif": (800, 120, 1350, 650),
        },
    )


def infusion_lid(kind: Infusion, sealed: bool) -> Sheet:
    """The lid of the box; the round seal goes on over it."""
    sheet = Sheet(1400, 650, kind.dark)
    sheet.text((700, 350), "LARK & HOLLOW", "sans-bold", 84, "#fdf0d0", "ms", 6)
    if sealed:
        round_seal(sheet, (1250, 712), 100, [])
    sheet.card_edge()
    return sheet


_ROWS = [("Energy", "10 kJ / 2 kcal"), ("Carbohydrate", "0.3 g"), ("Protein", "0 g"), ("Salt", "0 g")]


def _side(kind: Infusion) -> Sheet:
    sheet = Sheet(round(SIZE[2] * CM), round(SIZE[1] * CM), kind.light)
    sheet.card_edge()
    return sheet


def _back(kind: Infusion) -> Sheet:
    texts = [kind.ingredients, "One bag a cup, boiling water, five minutes."]
    size = round(SIZE[0] * CM), round(SIZE[1] * CM)
    return facts(size, "#fffaf0", kind.dark, f"{kind.name}, {kind.bags} bags", texts, _ROWS, None)


def packs() -> list[Pack]:
    """The fruit infusions as products."""
    return [
        Pack(
            sku=kind.sku,
            title=f"Lark & Hollow {kind.name} fruit infusion, {kind.bags} bags",
            brand="Lark & Hollow",
            family="fruit infusion",
            gtin=kind.gtin,
            net_content=f"{kind.grams} g",
            language="en",
            size=SIZE,
            words={"variant": kind.name, "claim": CLAIM, "net": f"{kind.bags} tea bags"},
            front=partial(infusion_front, kind),
            side=partial(_side, kind),
            lid=partial(infusion_lid, kind),
            back=partial(_back, kind),
        )
        for kind in INFUSIONS
    ]
