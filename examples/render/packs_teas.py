"""The Chinese teas of the catalogue, their titles vertical. Brand, codes and numbers are invented."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .artwork import Sheet
from .drawings import ridge, sprig, sun, wave_border
from .drawings_shop import curl, flower
from .packs_shop import CM, Copy, Face, Pack, date_panel, facts, hologram, sticker, strip_seal

SIZE = (11.0, 15.0, 6.0)
CLAIM = "不添加香精"


@dataclass(frozen=True)
class Tea:
    """One kind of tea; `grade` stands in a column beside its vertical title."""

    sku: str
    name: str
    grade: str
    english: str
    taste: str
    dark: str
    light: str
    picture: str
    ingredients: str
    gtin: str


# Longjing comes twice with one artwork: only the grade differs, picked before or after Qingming.
TEAS = (
    Tea(
        "SYT-LJ-MQ",
        "龙井",
        "明前特级",
        "LONGJING TEA",
        "豆香清雅 回味甘醇",
        "#23523c",
        "#8fb58b",
        "sprig",
        "绿茶（杭州产区）",
        "2069123300143",
    ),
    Tea(
        "SYT-LJ-YQ",
        "龙井",
        "雨前一级",
        "LONGJING TEA",
        "豆香清雅 回味甘醇",
        "#23523c",
        "#8fb58b",
        "sprig",
        "绿茶（杭州产区）",
        "2069123300211",
    ),
    Tea(
        "SYT-BLC",
        "碧螺春",
        "洞庭特级",
        "BILUOCHUN TEA",
        "花果香浓 鲜爽生津",
        "#1d4a63",
        "#8db3c4",
        "curl",
        "绿茶（洞庭山产区）",
        "2069123300389",
    ),
    Tea(
        "SYT-MLH",
        "茉莉花茶",
        "七窨特级",
        "JASMINE TEA",
        "鲜灵持久 茶味醇和",
        "#7a4a1e",
        "#d6b27c",
        "jasmine",
        "绿茶、茉莉鲜花",
        "2069123300457",
    ),
)
GOLD = "#c9a253"
PAPER = "#f8f1df"


def _tea_picture(sheet: Sheet, kind: Tea) -> None:
    if kind.picture == "sprig":
        for middle, size, turn in (((250, 690), 330, -8), ((390, 800), 260, 14), ((150, 850), 220, -16)):
            sprig(sheet, middle, size, ("#3c6d47", "#6c9a5f"), turn)
    elif kind.picture == "curl":
        curl(sheet, (250, 800), 400, "#35603f", "#8fb58b")
    else:
        for middle, size, turn in (((210, 690), 290, 0), ((390, 800), 240, 20), ((170, 870), 180, 40)):
            sprig(sheet, (middle[0] + 40, middle[1] + 60), size, ("#4d7a4d", "#7ba26b"))
            rings = [(6, 0.95, 0.60, "#d9c9a8", "#fffdf6"), (5, 0.62, 0.44, "#e6d8b8", "#fffef9")]
            flower(sheet, middle, size, rings, "#efcf6a", turn)


def tea_front(kind: Tea, copy: Copy) -> Face:
    """The front of a box of tea, its title written from top to bottom."""
    sheet = Sheet(1100, 1500, PAPER)
    ink = "#2a2a24"
    sheet.gradient((0, 0, 1100, 1120), "#fbf6e8", "#f3e8cd")
    sun(sheet, (330, 430), 150, "#f0d9a6")
    ridge(sheet, (0, 420, 1100, 1120), ("#e3e0c9", kind.light + "90", kind.light), np.random.default_rng(61))
    sheet.gradient((0, 1060, 1100, 1500), kind.dark, "#17241f")
    _tea_picture(sheet, kind)
    wave_border(sheet, 1020, 60, GOLD, 88)
    sheet.panel((0, 1078, 1100, 1092), GOLD)
    # The title's band hangs from the top, and its columns are read from the right.
    sheet.soft_shadow((690, 0, 985, 985), 6, 10, 90)
    sheet.panel((686, 0, 980, 980), kind.dark)
    sheet.draw.rectangle((704, 0, 962, 962), outline=GOLD, width=5)
    step = 190 if len(kind.name) > 3 else 212
    top = 490 - step * 1.08 * len(kind.name) / 2
    sheet.column((833, top), kind.name, "brush-bold", step, "#f5dfa6", 0.08)
    sheet.column((615, 330), kind.grade, "serif-bold", 92, kind.dark, 0.14)
    sheet.draw.line((545, 330, 545, 730), fill=GOLD, width=4)
    sheet.column((490, 330), kind.taste.split()[0], "brush", 62, ink, 0.12)
    sheet.column((408, 400), kind.taste.split()[1], "brush", 62, ink, 0.12)
    logo = (56.0, 56.0, 256.0, 256.0)
    sheet.draw.ellipse(logo, fill=copy.logo or "#a8322a")
    sheet.draw.ellipse((68, 68, 244, 244), outline="#f6e3bd", width=4)
    sheet.column((194, 92), "山月", "brush-bold", 60, "#fbeed2", 0.06)
    sheet.column((120, 112), "堂", "brush-bold", 76, "#fbeed2")
    sheet.text((56, 322), "始于一九二一", "serif", 42, ink, "ls", 2)
    sheet.text((56, 1172), kind.english, "sans-bold", 50, "#f5dfa6", "ls", 4)
    claim = copy.claim or CLAIM
    sheet.panel((700, 1122, 1044, 1192), "#f5dfa6", 35)
    sheet.text((872, 1174), claim, "sans-bold", 46, "#2b2a20", "ms")
    sheet.text((56, 1236), f"配料：{kind.ingredients}", "sans", 40, "#f2ead6", "ls")
    sheet.text((56, 1296), "贮存：密封、避光、防潮", "sans", 38, "#f2ead6", "ls")
    date_panel(sheet, (52, 1336, 560, 1462), "保质期至", copy.date, ink, 52)
    sheet.text((1044, 1330), "净含量", "sans", 48, "#f2ead6", "rs")
    sheet.text((1044, 1440), "100克", "sans-bold", 100, "#f5dfa6", "rs")
    net = (770.0, 1345.0, 1060.0, 1458.0)
    if copy.sticker:
        sticker(sheet, net, copy.sticker, "sans-bold", 80)
    seal = (330.0, 0.0, 560.0, 190.0)
    if copy.sealed:
        lines = [("防拆封签", "sans-bold", 46), ("撕毁无效", "sans", 34)]
        strip_seal(sheet, (330, 0), lines, hologram(230, 190, (216, 182, 104)), "#6b3412")
    sheet.card_edge()
    return Face(
        sheet,
        {
            "logo": logo,
            "seal": seal,
            "claim": (700, 1122, 1044, 1192),
            "net": net,
            "variant": (704, 60, 962, 940),
            "grade": (560, 322, 670, 750),
            "motif": (60, 520, 540, 980),
        },
    )


def tea_lid(kind: Tea, sealed: bool) -> Sheet:
    """The lid of the tea box; the title's band and the seal go on over it."""
    sheet = Sheet(1100, 600, PAPER)
    sheet.panel((686, 0, 980, 600), kind.dark)
    sheet.draw.rectangle((704, -10, 962, 610), outline=GOLD, width=5)
    sheet.text((330, 330), "山月堂", "brush-bold", 130, kind.dark, "ms", 10)
    if sealed:
        sheet.stamp(hologram(230, 170, (216, 182, 104)), (330, 430))
    sheet.card_edge()
    return sheet


_ROWS = [("产品类型", "绿茶"), ("执行标准", "SB/Y 0012"), ("保质期", "24个月"), ("产地", "见喷码")]


def _facts(kind: Tea, width: float) -> Sheet:
    texts = [f"配料：{kind.ingredients}", "冲泡：取三克，八十五度水，两分钟出汤。", "贮存：密封、避光、防潮、防异味。"]
    size = round(width * CM), round(SIZE[1] * CM)
    return facts(size, PAPER, kind.dark, f"{kind.name} {kind.grade}", texts, _ROWS, kind.gtin)


def packs() -> list[Pack]:
    """The teas as products."""
    return [
        Pack(
            sku=kind.sku,
            title=f"山月堂 {kind.name} {kind.grade} 100克",
            brand="山月堂",
            family="茶叶",
            gtin=kind.gtin,
            net_content="100克",
            language="zh",
            size=SIZE,
            words={"variant": kind.name, "grade": kind.grade, "claim": CLAIM, "net": "100克"},
            front=partial(tea_front, kind),
            side=partial(_facts, kind, SIZE[2]),
            lid=partial(tea_lid, kind),
            back=partial(_facts, kind, SIZE[0]),
        )
        for kind in TEAS
    ]
