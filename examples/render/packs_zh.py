"""Chinese packs, each a function that prints its sheets. Brands, codes and numbers are invented."""

import numpy as np

from .artwork import Sheet, ean13
from .drawings import biscuit, hills, ridge, sprig, sun, wave_border

BISCUIT_CODE = ean13("206930803120")
HONEY_CODE = ean13("206911045500")


def tea_wrap() -> Sheet:
    """What is printed around a tea tin, all 360 degrees of it, 2700 x 1250 pixels; the label is in the middle."""
    sheet = Sheet(2700, 1250, "#1f4037")
    sheet.gradient((0, 0, 2700, 1250), "#25493f", "#16302a")
    gold = "#c8a45c"
    ridge(sheet, (0, 560, 2700, 1250), ("#2b5347", "#24483d", "#1b392f"), np.random.default_rng(21))
    for y in (48, 1190):
        sheet.draw.rectangle((0, y, 2700, y + 10), fill=gold)
        sheet.draw.rectangle((0, y + (22 if y < 600 else -16), 2700, y + (25 if y < 600 else -13)), fill=gold)
    left, right, top, bottom = 1050, 1650, 120, 1130
    sheet.soft_shadow((left, top, right, bottom), 26, 10, 120)
    sheet.panel((left, top, right, bottom), "#f6efdf", 26)
    sheet.draw.rounded_rectangle((left + 18, top + 18, right - 18, bottom - 18), 16, outline=gold, width=4)
    ridge(sheet, (left + 22, 610, right - 22, 835), ("#dfe3d2", "#c3d0bc", "#a3b9a2"), np.random.default_rng(4))
    sheet.panel((left + 22, 800, right - 22, bottom - 40), "#f6efdf")
    sprig(sheet, (1505, 640), 210, ("#3e6b50", "#5b8a63"))
    # Columns of Chinese are read from the right.
    sheet.panel((1500, 190, 1566, 332), "#b3392f", 8)
    sheet.column((1533, 200), "云岫", "brush-bold", 56, "#fbeee0", 0.10)
    sheet.column((1350, 165), "乌龙茶", "brush-bold", 172, "#1d3b33", 0.10)
    sheet.column((1165, 185), "高山清香", "brush", 62, "#8a6a2c", 0.16)
    sheet.text((1350, 890), "净含量 250克", "sans-bold", 54, "#1d3b33", "ms")
    sheet.draw.line((1110, 925, 1590, 925), fill=gold, width=3)
    sheet.text((1350, 985), "生产日期 2026年05月12日", "sans", 42, "#2a2a2a", "ms")
    sheet.text((1350, 1052), "保质期至 2028年05月11日", "sans", 42, "#2a2a2a", "ms")
    return sheet


def soy_label() -> Sheet:
    """The label of a soy sauce bottle: 136 degrees of it, 1100 x 1080 pixels."""
    sheet = Sheet(1100, 1080, "#f4e8d0")
    red, gold, ink = "#9f2a22", "#c99a48", "#2c2320"
    sheet.gradient((0, 0, 1100, 450), "#ad3127", "#8f241d")
    sheet.area((0, 0, 1100, 450), "red")
    wave_border(sheet, 388, 62, gold, 82)
    sheet.draw.rectangle((0, 450, 1100, 460), fill=gold)
    sheet.text((550, 100), "石桥记", "brush-bold", 70, "#f3d798", "ms", 14)
    sheet.text((550, 262), "酿造酱油", "serif-bold", 142, "#fdf3dc", "ms", 8)
    sheet.text((550, 345), "古法日晒 180天", "sans", 50, "#f3d798", "ms", 4)
    sheet.text((175, 538), "配料表：水、非转基因大豆、小麦、", "sans", 46, ink, "ls")
    sheet.text((175, 602), "食用盐、白砂糖", "sans", 46, ink, "ls")
    sheet.draw.line((175, 634, 925, 634), fill="#d9c49a", width=3)
    sheet.text((175, 700), "生产日期：2026年02月18日", "sans", 46, ink, "ls")
    sheet.text((175, 766), "保质期：18个月", "sans", 46, ink, "ls")
    sheet.text((175, 832), "批号：B0218A3", "sans", 46, ink, "ls")
    sheet.text((175, 898), "电话：400-000-0123", "sans", 46, ink, "ls")
    sheet.draw.ellipse((705, 740, 925, 960), fill=red)
    sheet.text((815, 838), "净含量", "sans-bold", 50, "#fdf3dc", "ms")
    sheet.text((815, 904), "500ml", "sans-bold", 58, "#f3d798", "ms")
    sheet.draw.rectangle((0, 1046, 1100, 1080), fill=red)
    return sheet


def biscuit_front() -> Sheet:
    """A box of sesame biscuits, 12 x 17 cm at 90 pixels a centimetre."""
    sheet = Sheet(1080, 1530, "#f7e6c8")
    rng = np.random.default_rng(8)
    brown, orange = "#5a2f17", "#d9772b"
    sheet.gradient((0, 0, 1080, 1530), "#fbefd8", "#f2d5a2")
    sun(sheet, (540, 800), 440, "#f0b45a")
    hills(sheet, (0, 1010, 1080, 1530), [(orange, (0.12, 0.02, 0.14, 0.05)), ("#b9541f", (0.22, 0.13, 0.20, 0.10))])
    for middle, radius in (((310, 770), 205), ((775, 760), 205), ((540, 845), 240)):
        sheet.soft_shadow(
            (middle[0] - radius + 14, middle[1] - radius + 24, middle[0] + radius + 14, middle[1] + radius + 24),
            radius,
            14,
            120,
        )
        biscuit(sheet, middle, radius, rng)
    sheet.text((540, 130), "麦香小铺", "brush-bold", 66, brown, "ms", 10)
    sheet.text((540, 345), "芝麻薄脆", "serif-bold", 206, brown, "ms", 4)
    sheet.text((540, 445), "SESAME CRISPS", "sans-bold", 58, orange, "ms", 8)
    sheet.text((540, 520), "酥脆可口 现烤工艺", "sans", 50, "#7a4a26", "ms", 4)
    sheet.text((66, 1186), "配料：小麦粉、白芝麻、植物油、", "sans", 44, "#fff3dc", "ls")
    sheet.text((66, 1250), "白砂糖、鸡蛋、食用盐", "sans", 44, "#fff3dc", "ls")
    sheet.text((66, 1330), "净含量：180克", "sans-bold", 50, "#ffffff", "ls")
    sheet.text((66, 1398), "保质期：12个月", "sans", 46, "#fff3dc", "ls")
    sheet.text((66, 1464), "生产日期：20260308", "sans", 46, "#fff3dc", "ls")
    sheet.barcode((668, 1302), BISCUIT_CODE, 3, 140)
    sheet.card_edge()
    return sheet


def biscuit_side(width: int) -> Sheet:
    """A side of the biscuit box without text."""
    sheet = Sheet(width, 1530, "#f7e6c8")
    sheet.gradient((0, 0, width, 1530), "#f6e4c2", "#ecc98d")
    hills(sheet, (0, 1010, width, 1530), [("#d9772b", (0.05, 0.12, 0.04)), ("#b9541f", (0.12, 0.22, 0.14))])
    sheet.card_edge()
    return sheet


def honey_label() -> Sheet:
    """The label of a honey jar: 200 degrees of it, 1300 x 800 pixels."""
    sheet = Sheet(1300, 800, "#fff8e6")
    amber, ink = "#b86a10", "#4a2f12"
    sheet.gradient((0, 0, 1300, 800), "#fffaec", "#fdeec6")
    for row in range(3):
        for column in range(14):
            x, y = column * 104 + (row % 2) * 52 - 20, 18 + row * 90 - 60
            if abs(x - 650) > 330 + 40 * row:
                cell = [(x + 52 * np.sin(t), y + 52 * np.cos(t)) for t in np.radians(np.arange(0, 361, 60))]
                sheet.draw.line(cell, fill="#f6d58a", width=5)
    sheet.draw.rectangle((0, 0, 1300, 12), fill=amber)
    sheet.draw.rectangle((0, 788, 1300, 800), fill=amber)
    sheet.text((650, 110), "林下蜂园", "brush-bold", 60, amber, "ms", 10)
    sheet.text((650, 300), "百花蜂蜜", "serif-bold", 152, ink, "ms", 4)
    sheet.text((650, 385), "WILDFLOWER HONEY", "sans-bold", 46, amber, "ms", 6)
    sheet.draw.line((400, 420, 900, 420), fill="#e0b763", width=3)
    sheet.text((650, 495), "净含量：500克", "sans-bold", 54, ink, "ms")
    sheet.text((650, 570), "配料：蜂蜜", "sans", 46, ink, "ms")
    sheet.text((650, 638), "生产日期：2026-04-20", "sans", 46, ink, "ms")
    sheet.text((650, 706), "保质期至：2028-04-19", "sans", 46, ink, "ms")
    return sheet


def tea_box(title: str, english: str, dark: str, light: str, name: str, note: str, weight: str) -> Sheet:
    """One of three tea boxes of one design, 9 x 13 cm at 80 pixels a centimetre; `name` is its colour."""
    sheet = Sheet(720, 1040, dark)
    sheet.gradient((0, 0, 720, 1040), light, dark)
    sheet.area((0, 0, 720, 1040), name)
    ridge(sheet, (0, 700, 720, 1040), ("#ffffff22", "#ffffff1c", "#00000028"), np.random.default_rng(len(name)))
    sheet.draw.rounded_rectangle((34, 34, 686, 1006), 20, outline="#f6ecd4", width=4)
    sun(sheet, (360, 215), 92, "#f6ecd4")
    sprig(sheet, (360, 205), 150, (dark, light))
    sheet.text((360, 480), title, "serif-bold", 150, "#fffaf0", "ms", 10)
    sheet.text((360, 575), english, "sans-bold", 58, "#f6ecd4", "ms", 5)
    sheet.draw.line((240, 620, 480, 620), fill="#f6ecd4", width=3)
    sheet.text((360, 700), note, "brush", 54, "#fffaf0", "ms", 4)
    sheet.text((360, 930), weight, "sans", 46, "#fffaf0", "ms")
    sheet.card_edge()
    return sheet
