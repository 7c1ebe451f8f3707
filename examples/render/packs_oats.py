"""The oat drinks of the catalogue. Brand, codes and numbers are invented."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .artwork import Sheet
from .drawings import hills, oat_ear
from .drawings_shop import cocoa, glass, latte, scatter
from .packs_shop import CM, Copy, Face, Pack, date_panel, facts, hologram, sticker, strip_seal

SIZE = (9.0, 15.0, 7.4)


@dataclass(frozen=True)
class Oat:
    """One kind of oat drink; `disc` is the colour behind its picture."""

    sku: str
    name: str
    note: str
    fat: str
    claim: str
    dark: str
    light: str
    disc: str
    picture: str
    ingredients: str
    gtin: str


# Original comes twice with one artwork: only the words say how fat it is.
OATS = (
    Oat(
        "FRN-OAT-15",
        "Original",
        "smooth, for cereal and tea",
        "1.5% FAT",
        "NO ADDED SUGAR",
        "#1f5a6b",
        "#8fc1c4",
        "#cfe3dc",
        "glass",
        "Water, oats (10%), rapeseed oil, calcium carbonate, sea salt, vitamins D and B12.",
        "2017804410155",
    ),
    Oat(
        "FRN-OAT-30",
        "Original",
        "smooth, for cereal and tea",
        "3% FAT",
        "NO ADDED SUGAR",
        "#1f5a6b",
        "#8fc1c4",
        "#cfe3dc",
        "glass",
        "Water, oats (10%), rapeseed oil, calcium carbonate, sea salt, vitamins D and B12.",
        "2017804410223",
    ),
    Oat(
        "FRN-OAT-BAR",
        "Barista",
        "foams well, for coffee",
        "3% FAT",
        "NO ADDED SUGAR",
        "#a5562c",
        "#e2ab7a",
        "#f3dcc0",
        "latte",
        "Water, oats (11%), rapeseed oil, potassium phosphate, calcium carbonate, sea salt.",
        "2017804410391",
    ),
    Oat(
        "FRN-OAT-CHO",
        "Chocolate",
        "with fairly traded cocoa",
        "2% FAT",
        "LESS SUGAR",
        "#5b3226",
        "#b98a72",
        "#ead3c3",
        "cocoa",
        "Water, oats (9%), sugar, cocoa powder (1.6%), rapeseed oil, calcium carbonate, sea salt.",
        "2017804410469",
    ),
)


def _oat_picture(sheet: Sheet, kind: Oat) -> None:
    sheet.draw.ellipse((190, 372, 710, 892), fill=kind.disc)
    sheet.draw.ellipse((208, 390, 692, 874), outline="#fffaf0", width=4)
    for root, height, lean in (
        ((150, 905), 430, -12),
        ((252, 915), 330, -26),
        ((752, 905), 430, 12),
        ((650, 915), 330, 26),
    ):
        oat_ear(sheet, root, height, lean, "#e3b355", "#c9963c")
    if kind.picture == "glass":
        glass(sheet, (450, 640), 430, "#f7eedb", "#e7d8ba")
    elif kind.picture == "latte":
        latte(sheet, (455, 640), 440, "#2f6d63", "#b27a45")
    else:
        glass(sheet, (430, 620), 410, "#8a5a3e", "#70452d")
        cocoa(sheet, (590, 790), 260, -18)


def oat_front(kind: Oat, copy: Copy) -> Face:
    """The front of a carton of oat drink."""
    sheet = Sheet(900, 1500, "#f8f1e3")
    ink = "#2b3a36"
    sheet.gradient((0, 0, 900, 960), "#fbf6ea", "#f3e5c8")
    scatter(sheet, (0, 0, 900, 930), 52, "#ecdcb9", 150, np.random.default_rng(31))
    logo = (48.0, 48.0, 248.0, 248.0)
    sheet.draw.ellipse(logo, fill=copy.logo or "#2c6a4b")
    sheet.draw.ellipse((60, 60, 236, 236), outline="#f7e6b8", width=4)
    sheet.text((148, 166), "FH", "serif-bold", 96, "#f7e6b8", "ms")
    sheet.text((278, 142), "FERNHILL", "sans-bold", 62, ink, "ls", 3)
    sheet.text((281, 196), "oats, and little else", "serif", 36, ink, "ls")
    sheet.text((450, 346), "Oat Drink", "serif-bold", 104, ink, "ms")
    _oat_picture(sheet, kind)
    hills(
        sheet,
        (0, 846, 900, 1500),
        [(kind.light, (0.10, 0.03, 0.09, 0.02, 0.07)), (kind.dark, (0.12, 0.07, 0.13, 0.06, 0.11))],
    )
    sheet.text((60, 1050), kind.name, "serif-bold", 104, "#fff8e8", "ls")
    sheet.text((64, 1112), kind.note, "sans", 44, "#fbe9c4", "ls")
    sheet.panel((600, 966, 850, 1062), "#fff8e8", 48)
    sheet.text((725, 1031), kind.fat, "sans-bold", 46, kind.dark, "ms")
    claim = copy.claim or kind.claim
    sheet.panel((60, 1146, 520, 1216), "#f2c14e", 35)
    sheet.text((290, 1199), claim, "sans-bold", 44, "#2b2a20", "ms")
    sheet.panel((540, 1146, 850, 1216), kind.light, 35)
    sheet.text((695, 1197), "WITH CALCIUM", "sans-bold", 36, "#22312e", "ms")
    sheet.paragraph((62, 1262), "Ingredients: " + kind.ingredients, 780, "sans", 28, "#f4ead4", 1.32)
    date_panel(sheet, (60, 1356, 490, 1470), "BEST BEFORE", copy.date, ink, 48)
    sheet.text((844, 1458), "1 L", "sans-bold", 108, "#fff8e8", "rs")
    sheet.text((690, 1458), "shake well", "sans", 32, "#fbe9c4", "rs")
    net = (700.0, 1366.0, 860.0, 1470.0)
    if copy.sticker:
        sticker(sheet, net, copy.sticker, "sans-bold", 76)
    seal = (680.0, 0.0, 860.0, 190.0)
    if copy.sealed:
        _oat_seal(sheet)
    sheet.card_edge()
    return Face(
        sheet,
        {
            "logo": logo,
            "seal": seal,
            "claim": (60, 1146, 520, 1216),
            "net": net,
            "variant": (60, 950, 560, 1125),
            "fat": (600, 966, 850, 1062),
            "motif": (200, 400, 700, 890),
        },
    )


def _oat_seal(sheet: Sheet) -> None:
    lines = [("SEALED", "sans-bold", 42), ("do not accept", "sans", 24), ("if broken", "sans", 24)]
    strip_seal(sheet, (680, 0), lines, hologram(180, 190, (204, 214, 222)), "#37505c")


def oat_lid(kind: Oat, sealed: bool) -> Sheet:
    """The flat top of the carton with its folded seam; the seal goes on over it."""
    sheet = Sheet(900, 740, "#f3e5c8")
    sheet.panel((0, 0, 900, 90), kind.dark)
    for y in range(340, 400):
        tone = int(232 + 22 * np.sin((y - 340) / 60 * np.pi))
        sheet.draw.line((0, y, 900, y), fill=(tone, tone - 6, tone - 18))
    if sealed:
        sheet.stamp(hologram(180, 200, (204, 214, 222)), (680, 540))
    sheet.card_edge()
    return sheet


_ROWS = [
    ("Energy", "190 kJ / 45 kcal"),
    ("Carbohydrate", "6.6 g"),
    ("Fibre", "0.8 g"),
    ("Protein", "1.0 g"),
    ("Salt", "0.10 g"),
]


def _facts(kind: Oat, width: float) -> Sheet:
    texts = [
        kind.ingredients,
        "Keep cool once opened and use within 5 days.",
        f"Each 100 ml holds ({kind.fat.lower()}):",
    ]
    size = round(width * CM), round(SIZE[1] * CM)
    return facts(size, "#f8f1e3", kind.dark, f"{kind.name} Oat Drink", texts, _ROWS, kind.gtin)


def packs() -> list[Pack]:
    """The oat drinks as products."""
    return [
        Pack(
            sku=kind.sku,
            title=f"Fernhill Oat Drink {kind.name} {kind.fat.lower()}, 1 L",
            brand="Fernhill",
            family="oat drink",
            gtin=kind.gtin,
            net_content="1 L",
            language="en",
            size=SIZE,
            words={"variant": kind.name, "fat": kind.fat, "claim": kind.claim, "net": "1 L"},
            front=partial(oat_front, kind),
            side=partial(_facts, kind, SIZE[2]),
            lid=partial(oat_lid, kind),
            back=partial(_facts, kind, SIZE[0]),
        )
        for kind in OATS
    ]
