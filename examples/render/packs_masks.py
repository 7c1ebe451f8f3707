"""The face masks of the catalogue. Brand, codes and numbers are invented."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from .artwork import Sheet
from .drawings import wave_border
from .drawings_shop import aloe, flower, honeycomb, scatter
from .packs_shop import CM, Copy, Face, Pack, date_panel, facts, round_seal, sticker

SIZE = (12.0, 16.0, 2.6)
CLAIM = "不含酒精"
LOGO = "#5a4a8a"


@dataclass(frozen=True)
class Mask:
    """One kind of face mask."""

    sku: str
    name: str
    english: str
    effect: str
    dark: str
    light: str
    wash: str
    picture: str
    ingredients: str
    gtin: str


MASKS = (
    Mask(
        "HJD-MASK-ROS",
        "玫瑰柔润面膜",
        "ROSE FACE MASK",
        "柔润 透亮 舒缓",
        "#9a2f52",
        "#e79cb0",
        "#fbe6ea",
        "rose",
        "水、甘油、玫瑰花水、透明质酸钠、泛醇",
        "2074551900124",
    ),
    Mask(
        "HJD-MASK-ALO",
        "芦荟清润面膜",
        "ALOE FACE MASK",
        "清润 舒缓 保湿",
        "#2d6b4d",
        "#9cc9a4",
        "#e6f3e4",
        "aloe",
        "水、甘油、库拉索芦荟叶汁、透明质酸钠",
        "2074551900292",
    ),
    Mask(
        "HJD-MASK-HON",
        "蜂蜜滋养面膜",
        "HONEY FACE MASK",
        "滋养 柔润 保湿",
        "#9a5c12",
        "#ecc069",
        "#fcf0d2",
        "honey",
        "水、甘油、蜂蜜提取物、透明质酸钠、燕麦",
        "2074551900360",
    ),
)


def _mask_picture(sheet: Sheet, kind: Mask) -> None:
    sheet.draw.ellipse((270, 470, 930, 1130), fill="#fffdf9")
    sheet.draw.ellipse((290, 490, 910, 1110), outline=kind.light, width=5)
    if kind.picture == "rose":
        for middle, turn in (((390, 960), -150), ((820, 960), -30)):
            rings = [(3, 0.95, 0.46, "#3f6b4a", "#6f9a63")]
            flower(sheet, middle, 300, rings, "#3f6b4a", turn)
        rings = [
            (8, 0.98, 0.74, "#c2486c", "#e58aa2"),
            (7, 0.80, 0.66, "#b53a60", "#dd7692"),
            (6, 0.62, 0.56, "#a42e53", "#d0607f"),
            (5, 0.44, 0.44, "#8f2447", "#c04a6c"),
            (4, 0.28, 0.30, "#7c1c3c", "#a93659"),
        ]
        flower(sheet, (600, 790), 520, rings, "#7c1c3c", 10)
    elif kind.picture == "aloe":
        aloe(sheet, (600, 780), 590, "#2f7048", "#79b583")
    else:
        honeycomb(sheet, (600, 810), 600, "#a8690f", ("#e9a92c", "#f3c04d", "#d99420"))


def mask_front(kind: Mask, copy: Copy) -> Face:
    """The front of a box of face masks."""
    sheet = Sheet(1200, 1600, kind.wash)
    ink = "#3a2f30"
    sheet.gradient((0, 0, 1200, 1240), "#fffdfb", kind.wash)
    scatter(sheet, (0, 0, 1200, 1240), 70, kind.light + "66", 170, np.random.default_rng(83))
    _mask_picture(sheet, kind)
    sheet.gradient((0, 1210, 1200, 1600), kind.dark, kind.dark)
    wave_border(sheet, 1164, 46, kind.dark, 70)
    logo = (56.0, 52.0, 266.0, 262.0)
    ground = copy.logo or LOGO
    sheet.draw.ellipse(logo, fill=ground)
    rings = [(8, 0.95, 0.42, ground, "#f6ecff")]
    flower(sheet, (161, 157), 150, rings, "#f1cf73")
    sheet.text((296, 158), "花间渡", "brush-bold", 104, ink, "ls", 6)
    sheet.text((300, 222), "HUA JIAN DU", "sans", 44, ink, "ls", 5)
    sheet.text((600, 396), kind.name, "serif-bold", 128, kind.dark, "ms", 4)
    sheet.text((600, 460), kind.english, "sans-bold", 46, ink, "ms", 7)
    for row, word in enumerate(kind.effect.split()):
        y = 640 + row * 170
        sheet.draw.ellipse((60, y - 70, 200, y + 70), fill=kind.dark)
        sheet.text((130, y + 20), word, "sans-bold", 54, "#fffaf4", "ms")
    sheet.column((1100, 560), "温和亲肤 早晚可用", "brush", 56, kind.dark, 0.10)
    sheet.text((60, 1290), f"成分：{kind.ingredients}", "sans", 36, "#fff6ee", "ls")
    claim = copy.claim or CLAIM
    sheet.panel((60, 1318, 330, 1392), "#fff1d6", 36)
    sheet.text((195, 1372), claim, "sans-bold", 48, kind.dark, "ms")
    sheet.panel((350, 1318, 620, 1392), kind.light, 36)
    sheet.text((485, 1371), "不含色素", "sans-bold", 46, "#2f2526", "ms")
    date_panel(sheet, (58, 1424, 600, 1556), "保质期至", copy.date, ink, 54)
    sheet.text((1140, 1420), "净含量 25毫升×5", "sans", 46, "#fff6ee", "rs")
    sheet.text((1140, 1544), "5片装", "sans-bold", 108, "#fff1d6", "rs")
    net = (810.0, 1440.0, 1160.0, 1566.0)
    if copy.sticker:
        sticker(sheet, net, copy.sticker, "sans-bold", 90)
    seal = (930.0, 0.0, 1140.0, 180.0)
    if copy.sealed:
        seal = round_seal(sheet, (1030, 78), 118, [("防拆", "sans-bold", 58), ("封签", "sans-bold", 58)])
    sheet.card_edge()
    return Face(
        sheet,
        {
            "logo": logo,
            "seal": seal,
            "claim": (60, 1318, 330, 1392),
            "net": net,
            "variant": (180, 270, 1020, 470),
            "motif": (270, 470, 930, 1130),
        },
    )


def mask_lid(kind: Mask, sealed: bool) -> Sheet:
    """The narrow lid of the mask box."""
    sheet = Sheet(1200, 260, kind.dark)
    sheet.text((520, 165), "花间渡", "brush-bold", 100, "#fff1d6", "ms", 8)
    if sealed:
        round_seal(sheet, (1030, 338), 118, [])
    sheet.card_edge()
    return sheet


_ROWS = [("规格", "25毫升×5"), ("使用", "每周二至三次"), ("敷用", "15分钟"), ("执行标准", "SB/M 0047")]


def _back(kind: Mask) -> Sheet:
    texts = [
        f"成分：{kind.ingredients}。",
        "用法：洁面后取出面膜，展开敷于面部，十五分钟后取下，轻拍余下精华。",
        "注意：如有不适请停止使用。置于阴凉干燥处。",
    ]
    size = round(SIZE[0] * CM), round(SIZE[1] * CM)
    return facts(size, kind.wash, kind.dark, kind.name, texts, _ROWS, kind.gtin)


def _side(kind: Mask) -> Sheet:
    sheet = Sheet(round(SIZE[2] * CM), round(SIZE[1] * CM), kind.dark)
    sheet.column((130, 330), kind.name, "serif-bold", 96, "#fff1d6", 0.3)
    sheet.card_edge()
    return sheet


def packs() -> list[Pack]:
    """The face masks as products."""
    return [
        Pack(
            sku=kind.sku,
            title=f"花间渡 {kind.name} 5片装",
            brand="花间渡",
            family="面膜",
            gtin=kind.gtin,
            net_content="25毫升×5片",
            language="zh",
            size=SIZE,
            words={"variant": kind.name, "claim": CLAIM, "net": "5片装"},
            front=partial(mask_front, kind),
            side=partial(_side, kind),
            lid=partial(mask_lid, kind),
            back=partial(_back, kind),
        )
        for kind in MASKS
    ]
