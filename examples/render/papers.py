"""Receipts, a leaflet and signs, each a function that prints its sheet. Shops, codes and numbers are invented."""

import numpy as np

from .artwork import Sheet
from .drawings import hills, runner, slipping, sun


def _creased(sheet: Sheet, folds: list[tuple[float, float]], wave: float = 5) -> None:
    """Give paper its folds, across the sheet: (share of the height, depth in grey levels), and a slight wave."""
    pixels = np.asarray(sheet.image).astype(np.float32)
    rows = np.arange(sheet.height, dtype=np.float32)[:, None]
    columns = np.arange(sheet.width, dtype=np.float32)[None]
    tone = wave * np.sin(rows / sheet.height * 7.5 + columns / sheet.width * 1.3)
    for share, depth in folds:
        off = (rows - share * sheet.height + 6 * np.sin(columns / 90)) / (0.022 * sheet.height)
        tone = tone + depth * (np.exp(-((off - 0.7) ** 2)) - np.exp(-((off + 0.7) ** 2)))
    pixels[..., :3] += tone[..., None]
    # The printer tears the paper off along a row of teeth.
    saw = 7 - np.abs(columns % 14 - 7)
    pixels[..., 3] *= (rows < sheet.height - 1 - saw) & (rows > saw)
    sheet.repaint(pixels)


def receipt_en() -> Sheet:
    """A till receipt, 8 x 13.4 cm at 100 pixels a centimetre."""
    sheet = Sheet(800, 1340, "#fbfaf6")
    ink = "#2b2b30"
    sheet.text((400, 130), "WILLOW LANE GROCER", "mono-bold", 56, ink, "ms")
    sheet.text((400, 200), "12 Willow Lane, Ashby", "mono", 42, ink, "ms")
    sheet.text((400, 258), "Tel 01632 960284", "mono", 42, ink, "ms")
    sheet.text((60, 350), "21/06/2026", "mono", 42, ink, "ls")
    sheet.text((740, 350), "10:42", "mono", 42, ink, "rs")
    sheet.draw.line((60, 390, 740, 390), fill=ink, width=3)
    rows = [
        ("Oat drink 1 L", "1.95"),
        ("Sourdough loaf", "3.40"),
        ("Tomatoes 500 g", "2.20"),
        ("Yoghurt x2", "1.80"),
        ("Green tea", "4.75"),
    ]
    y = 470
    for name, price in rows:
        sheet.text((60, y), name, "mono", 46, ink, "ls")
        sheet.text((740, y), price, "mono", 46, ink, "rs")
        y += 82
    sheet.draw.line((60, y - 30, 740, y - 30), fill=ink, width=3)
    for name, price, size in (("TOTAL GBP", "14.10", 60), ("CARD", "14.10", 46)):
        y += 50
        sheet.text((60, y), name, "mono-bold", size, ink, "ls")
        sheet.text((740, y), price, "mono-bold", size, ink, "rs")
        y += 40
    sheet.text((60, y + 100), "Items 6", "mono", 42, ink, "ls")
    sheet.text((740, y + 100), "Till 02", "mono", 42, ink, "rs")
    sheet.text((400, y + 185), "Thank you, see you soon!", "mono", 44, ink, "ms")
    _creased(sheet, [(0.36, 9), (0.70, -7)])
    return sheet


def receipt_zh() -> Sheet:
    """A Chinese till receipt, 8 x 13.9 cm at 100 pixels a centimetre."""
    sheet = Sheet(800, 1390, "#fbfaf5")
    ink = "#2c2c30"
    sheet.text((400, 125), "春禾便利店", "sans-bold", 68, ink, "ms", 6)
    sheet.text((400, 195), "购物小票", "sans", 46, ink, "ms", 8)
    sheet.text((60, 275), "日期：2026-06-18 09:26", "sans", 42, ink, "ls")
    sheet.text((60, 335), "单号：A06180026", "sans", 42, ink, "ls")
    sheet.draw.line((60, 370, 740, 370), fill=ink, width=3)
    for x, head, anchor in ((60, "商品", "ls"), (510, "数量", "ms"), (740, "金额", "rs")):
        sheet.text((x, 432), head, "sans-bold", 44, ink, anchor)
    rows = [
        ("鲜牛奶 950ml", "1", "14.80"),
        ("全麦面包", "2", "19.60"),
        ("乌龙茶饮料", "3", "16.50"),
        ("香蕉", "1", "7.90"),
        ("洗手液", "1", "22.00"),
    ]
    y = 512
    for name, count, price in rows:
        sheet.text((60, y), name, "sans", 46, ink, "ls")
        sheet.text((510, y), count, "sans", 46, ink, "ms")
        sheet.text((740, y), price, "sans", 46, ink, "rs")
        y += 80
    sheet.draw.line((60, y - 28, 740, y - 28), fill=ink, width=3)
    y += 62
    sheet.text((60, y), "合计", "sans-bold", 66, ink, "ls")
    sheet.text((740, y), "￥80.80", "sans-bold", 66, ink, "rs")
    y += 82
    sheet.text((60, y), "移动支付", "sans", 46, ink, "ls")
    sheet.text((740, y), "80.80", "sans", 46, ink, "rs")
    sheet.draw.line((60, y + 34, 740, y + 34), fill=ink, width=3)
    sheet.text((400, y + 120), "客服电话：400-000-0456", "sans", 44, ink, "ms")
    sheet.text((400, y + 190), "地址：青石路 18号", "sans", 44, ink, "ms")
    sheet.text((400, y + 280), "谢谢惠顾 欢迎再来", "sans-bold", 48, ink, "ms", 3)
    _creased(sheet, [(0.30, 8), (0.62, -8)])
    return sheet


def leaflet() -> Sheet:
    """A walking leaflet in two columns with a QR code, 15 x 20 cm at 90 pixels a centimetre."""
    sheet = Sheet(1350, 1800, "#fbf8f1")
    green, ink, rust = "#2f5d4a", "#2b2f2c", "#c4623a"
    sheet.gradient((0, 0, 1350, 430), "#f6d9a8", "#f9ebcb")
    sun(sheet, (1130, 215), 90, "#f0a24c")
    hills(
        sheet,
        (0, 150, 1350, 470),
        [
            ("#b7c8a4", (0.5, 0.2, 0.55, 0.3, 0.6)),
            ("#7fa383", (0.75, 0.5, 0.7, 0.45, 0.75)),
            (green, (0.85, 0.95, 0.8, 0.92, 0.84)),
        ],
    )
    sheet.text((80, 150), "Harbour Hill Walk", "serif-bold", 104, green, "ls")
    sheet.text((84, 222), "A gentle path for all the family", "serif", 54, ink, "ls")
    columns = [
        (
            80,
            "The route",
            [
                "Start at the old pier and",
                "follow the yellow posts.",
                "The path climbs for ten",
                "minutes, then runs level",
                "along the cliff to the",
                "lighthouse, where there",
                "is a bench and a tap.",
            ],
        ),
        (
            730,
            "Good to know",
            [
                "Length 4.2 km, about",
                "ninety minutes. Wear",
                "shoes with a firm sole.",
                "Dogs are welcome on",
                "a lead. Open daily",
                "from 9 am to 6 pm,",
                "April to October.",
            ],
        ),
    ]
    for x, head, lines in columns:
        sheet.text((x, 590), head, "sans-bold", 66, rust, "ls")
        y = 680
        for line in lines:
            sheet.text((x, y), line, "serif", 47, ink, "ls")
            y += 74
    sheet.draw.line((675, 545, 675, 1160), fill="#e0d3b8", width=4)
    sheet.panel((60, 1270, 1290, 1720), "#e7eee2", 26)
    side = sheet.qr((110, 1320), "Harbour Hill Walk: 4.2 km, yellow posts", 12)
    sheet.text((190 + side, 1440), "Scan for the map", "sans-bold", 60, green, "ls")
    sheet.text((190 + side, 1525), "Works without a signal.", "sans", 48, ink, "ls")
    sheet.text((190 + side, 1600), "Office: 01632 960731", "sans", 48, ink, "ls")
    pixels = np.asarray(sheet.image).astype(np.float32)
    fold = (np.arange(sheet.width, dtype=np.float32) - sheet.width / 2)[None, :, None]
    pixels[..., :3] += 7 * np.exp(-(((fold + 16) / 22) ** 2)) - 13 * np.exp(-(((fold - 14) / 26) ** 2)) - 5 * (fold > 0)
    sheet.repaint(pixels)
    return sheet


def step_sign() -> Sheet:
    """A yellow warning plate, 36 x 24 cm at 32 pixels a centimetre."""
    sheet = Sheet(1150, 760, "#f5c518")
    sheet.area((0, 0, 1150, 760), "yellow")
    sheet.draw.rounded_rectangle((26, 26, 1124, 734), 34, outline="#1c1c1c", width=14)
    sheet.draw.polygon([(240, 190), (420, 500), (60, 500)], fill="#1c1c1c")
    sheet.draw.polygon([(240, 250), (372, 474), (108, 474)], fill="#f5c518")
    sheet.draw.rounded_rectangle((227, 316, 253, 404), 12, "#1c1c1c")
    sheet.draw.ellipse((225, 420, 255, 450), fill="#1c1c1c")
    sheet.text((470, 330), "MIND", "sign", 170, "#1c1c1c", "ls")
    sheet.text((470, 500), "THE STEP", "sign", 108, "#1c1c1c", "ls")
    sheet.text((575, 660), "Please hold the handrail", "sans-bold", 72, "#1c1c1c", "ms")
    sheet.round_off(46)
    return sheet


def exit_sign(title: str, face: str, size: int, arrow: str = "right", second: str | None = None) -> Sheet:
    """A green way-out plate with a running figure, 48 x 17 cm at 28 pixels a centimetre."""
    sheet = Sheet(1344, 476, "#12824c")
    sheet.gradient((0, 0, 1344, 476), "#168f55", "#0f7544")
    sheet.area((0, 0, 1344, 476), "green")
    sheet.draw.rounded_rectangle((18, 18, 1326, 458), 26, outline="#ffffff", width=8)
    sheet.panel((66, 78, 306, 398), "#ffffff", 16)
    runner(sheet, (86, 98, 286, 378), "#12824c")
    middle = 690
    sheet.text((middle, 305 if second is None else 250), title, face, size, "#ffffff", "ms", 8)
    if second:
        sheet.text((middle, 390), second, "sans-bold", 96, "#ffffff", "ms", 14)
    if arrow == "right":
        sheet.draw.line((1050, 238, 1220, 238), fill="#ffffff", width=34)
        sheet.draw.polygon([(1180, 150), (1280, 238), (1180, 326)], fill="#ffffff")
    sheet.round_off(34)
    return sheet


def wet_floor() -> Sheet:
    """The front of a folding floor sign, 30 x 60 cm at 24 pixels a centimetre."""
    sheet = Sheet(760, 1500, "#f2c21a")
    sheet.gradient((0, 0, 760, 1500), "#f8cf2e", "#e9b50f")
    sheet.area((0, 120, 760, 1400), "yellow")
    sheet.draw.rounded_rectangle((280, 46, 480, 104), 29, fill="#6d6650")
    sheet.draw.polygon([(380, 170), (650, 640), (110, 640)], fill="#1d1d1d")
    sheet.draw.polygon([(380, 232), (600, 610), (160, 610)], fill="#f6cb28")
    slipping(sheet, (262, 352, 500, 600), "#1d1d1d")
    sheet.text((380, 850), "小心地滑", "sans-bold", 158, "#1d1d1d", "ms", 4)
    sheet.text((380, 960), "CAUTION", "sans-bold", 90, "#b3261e", "ms", 8)
    sheet.text((380, 1050), "WET FLOOR", "sans-bold", 74, "#1d1d1d", "ms", 4)
    sheet.text((380, 1200), "请慢行", "sans-bold", 96, "#1d1d1d", "ms", 20)
    sheet.round_off(48)
    return sheet
