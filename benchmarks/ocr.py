"""What reading reaches, per script: lines we can read stay read, lines we cannot are said to be unreadable.

`python benchmarks/ocr.py` renders two fonts of each of the lines below in three scenes (plain print, small
and blurred, light on dark and tilted), reads them, and prints a table; then it reads `examples/samples` and
compares with their truth. With `--photos DIR` (laid out as in its `photos.jsonl`) the same lines are also
printed on shop photos of the `val` split, and lines of those photos the engine is sure of, all of them in
Latin letters, are counted as kept or lost. It needs the Noto fonts (Debian: fonts-noto, fonts-noto-cjk)
and says so if they are missing. `--json` prints one object instead.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from sightline.tools.fields import find_fields
from sightline.tools.photos import load, pixels
from sightline.tools.reader import RapidReader, cut
from sightline.tools.reading import read_pixels
from sightline.tools.scripts import judge, script_of
from sightline.tools.types import Box

SANS, SERIF = "NotoSans-Regular", "NotoSerif-Bold"
CJK, CJK_SERIF = "NotoSansCJK-Bold", "NotoSerifCJK-Regular"

LINES: dict[str, tuple[tuple[str, str], str]] = {
    "latin": (
        (SANS, "LiberationSerif-Bold"),
        "Best before end: see lid|Keep refrigerated after opening|Organic rolled oats|NET WT 12 OZ (340g)|"
        "Strawberry jam|"
        "May contain traces of nuts|Crème fraîche légère|Größe 42, Füllmenge 500 g|Ångström älvsjö smörgås|"
        "Señor Muñoz, El Niño|"
        "Przechowywać w suchym miejscu|Çikolatalı süt ürünü|FRESH MILK 3.5% FAT|Made in Portugal|"
        "Ingredients: sugar, cocoa butter|"
        "Serving size 30 g|WASH DARK COLOURS SEPARATELY|Oat drink barista|LOT L24031A|Café crème",
    ),
    "digits": (
        (SANS, "LiberationMono-Bold"),
        "2025-04-03|03/04/25|500 g|6 901234 567892|+46 70 123 45 67|1.5 L|¥12.80|100%|12:45|400-810-1234|"
        "3 x 250 ml|€ 4,99|20250403|"
        "0.75|33 cl|(555) 123-4567|2 + 1|25 kg|1,000|7 UP",
    ),
    "han": (
        (CJK, CJK_SERIF),
        "生产日期：2025年4月3日|保质期：12个月|净含量 500克|配料：水、白砂糖、食用盐|请置于阴凉干燥处保存|"
        "有机全脂牛奶|龙井绿茶|小心地滑|请勿触摸展品|四川麻辣火锅底料|"
        "繁體中文標籤|臺灣高山烏龍茶|有效日期：見瓶身|營養標示|不含防腐劑|古法酿造酱油|"
        "儿童请在成人监护下使用|出口|深圳市南山区科技园|谢谢惠顾",
    ),
    "kana": (
        (CJK, CJK_SERIF),
        "賞味期限 2025.04.03|原材料名：小麦粉、砂糖|おいしい牛乳|ポテトチップス うすしお味|"
        "開封後はお早めにお召し上がりください|チョコレート|ありがとうございます|"
        "緑茶 ペットボトル|アレルギー物質|とうもろこし|カレーライス 中辛|抹茶アイスクリーム|内容量 200g|"
        "保存方法 直射日光を避けて|コーヒー豆|せんべい|"
        "ご注意ください|やさしい味わい|レンジで温め|しょうゆ",
    ),
    "cyrillic": (
        (SANS, "LiberationSerif-Bold"),
        "Годен до 12.03.2025|Состав: сахар, молоко|МОЛОКО ПАСТЕРИЗОВАННОЕ|Хранить в сухом месте|"
        "Масса нетто 500 г|Дата изготовления|Шоколад горький|"
        "Изготовитель: Москва|Срок годности 12 месяцев|КЕФИР|Вода питьевая|Годен до: см. на крышке|"
        "Український мед|Найкраще спожити до|Хлеб ржаной|"
        "СМЕТАНА 20%|Пиво светлое|Российская Федерация|Сок яблочный|Открывать здесь",
    ),
    "greek": (
        (SANS, "LiberationSerif-Bold"),
        "Ανάλωση κατά προτίμηση πριν|Ημερομηνία λήξης 03/04/2025|Συστατικά: νερό, ζάχαρη|"
        "Ελαιόλαδο εξαιρετικό παρθένο|Καθαρό βάρος 500 g|"
        "ΓΑΛΑ ΠΛΗΡΕΣ|Προϊόν Ελλάδας|Διατηρείται στο ψυγείο|Μέλι θυμαρίσιο|Παράγεται στην Κρήτη|Φέτα ΠΟΠ|"
        "ΓΙΑΟΥΡΤΙ|Ψωμί ολικής άλεσης|Χυμός πορτοκάλι|"
        "Αλάτι θαλασσινό|Οδηγίες χρήσης|Μακαρόνια|ΝΕΡΟ|Καφές ελληνικός|Σοκολάτα υγείας",
    ),
    "arabic": (
        ("NotoNaskhArabic-Regular", "NotoKufiArabic-Bold"),
        "تاريخ الانتهاء 2025/04/03|حليب طازج كامل الدسم|المكونات: ماء، سكر|الوزن الصافي ٥٠٠ جم|"
        "يحفظ في مكان بارد|زيت زيتون|صنع في مصر|تاريخ الإنتاج|عسل طبيعي|"
        "شاي أخضر|تمر سكري|عصير برتقال|ملح البحر|خبز عربي|جبنة بيضاء|قهوة عربية|شوكولاتة داكنة|أرز بسمتي|"
        "ماء معدني|صالح حتى",
    ),
    "hebrew": (
        ("NotoSansHebrew-Regular", "NotoSerifHebrew-Bold"),
        "תאריך תפוגה 03/04/2025|חלב טרי 3%|רכיבים: מים, סוכר|משקל נטו 500 גרם|לשמור במקום קריר|שמן זית כתית|"
        "תוצרת ישראל|דבש טהור|לחם מלא|גבינה לבנה|"
        "מיץ תפוזים|שוקולד מריר|קפה טחון|אורז בסמטי|מים מינרליים|מלח ים|חומוס|טחינה גולמית|כשר לפסח|לשימוש עד",
    ),
    "devanagari": (
        ("NotoSansDevanagari-Regular", "NotoSerifDevanagari-Bold"),
        "समाप्ति तिथि 03/04/2025|दूध ताज़ा|सामग्री: पानी, चीनी|शुद्ध वजन 500 ग्राम|ठंडी जगह पर रखें|"
        "सरसों का तेल|भारत में निर्मित|निर्माण तिथि|शुद्ध शहद|चाय पत्ती|"
        "बासमती चावल|नमक|मसाला चाय|आम का अचार|गेहूं का आटा|मिठाई|पनीर|उपयोग की अंतिम तिथि|हल्दी पाउडर|शक्कर",
    ),
    "thai": (
        ("NotoSansThai-Regular", "NotoSerifThai-Bold"),
        "วันหมดอายุ 03/04/2025|นมสดพาสเจอร์ไรส์|ส่วนประกอบ: น้ำ น้ำตาล|น้ำหนักสุทธิ 500 กรัม|"
        "เก็บในที่แห้งและเย็น|น้ำมันมะกอก|ผลิตในประเทศไทย|วันที่ผลิต|น้ำผึ้งแท้|ชาเขียว|"
        "ข้าวหอมมะลิ|เกลือทะเล|น้ำส้มคั้น|ขนมปัง|กาแฟคั่วบด|ช็อกโกแลต|น้ำดื่ม|ควรบริโภคก่อน|น้ำปลาแท้|พริกแกงแดง",
    ),
    "hangul": (
        (CJK, CJK_SERIF),
        "유통기한 2025.04.03|신선한 우유|원재료명: 정제수, 설탕|내용량 500g|서늘한 곳에 보관하십시오|"
        "올리브유|대한민국 제조|제조일자|벌꿀|녹차|"
        "현미 쌀|천일염|오렌지 주스|식빵|원두 커피|초콜릿|생수|소비기한|고추장|김치찌개",
    ),
    "other": (
        ("NotoSansBengali-Regular", "NotoSansTamil-Regular"),
        "মেয়াদ শেষ|তাজা দুধ|উপাদান জল চিনি|নেট ওজন|ঠান্ডা জায়গায় রাখুন|காலாவதி தேதி|புதிய பால்|பொருட்கள் நீர்|நிகர எடை|குளிர்ந்த இடத்தில்",
    ),
}
"""For each script two fonts and twenty lines, none of which the network of `tools/scripts.py` was taught."""

READABLE = frozenset({"latin", "digits", "han", "kana"})
SCENES = ("print", "small", "tilted")
SURE = 0.97
"""Mean character probability from which on lines of the shop photos are taken as right: most of them are."""


@dataclass(frozen=True)
class Tally:
    """One row of the table: counts of lines, and mean character accuracy of those that were read."""

    lines: int
    read: int
    doubtful: int
    unreadable: int
    unseen: int
    accuracy: float


@lru_cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    for path in Path("/usr/share/fonts").rglob(f"{name}.tt[cf]"):
        return ImageFont.truetype(path, size)
    sys.exit(
        f"Needs the font {name} (Debian: fonts-noto, fonts-noto-cjk, fonts-liberation); found none in /usr/share/fonts."
    )


def draw(text: str, font: str, scene: str) -> NDArray[np.uint8]:
    """A line on a page of its own, RGB `(h, w, 3)`."""
    size = 20 if scene == "small" else 40
    paper, ink = ((30, 40, 60), (235, 235, 225)) if scene == "tilted" else ((250, 248, 240), (25, 20, 20))
    face = _font(font, size)
    wide = int(face.getlength(text)) + 120
    page = Image.new("RGB", (max(wide, 400), 240 if scene != "small" else 160), paper)
    ImageDraw.Draw(page).text((60, 80), text, font=face, fill=ink)
    if scene == "small":
        page = page.filter(ImageFilter.GaussianBlur(0.7))
    if scene == "tilted":
        page = page.rotate(4, resample=Image.Resampling.BICUBIC, fillcolor=paper)
    return np.asarray(page)


def similarity(said: str, truth: str) -> float:
    """Share of characters that agree, spaces left out, 0..1."""
    a, b = said.replace(" ", ""), truth.replace(" ", "")
    return SequenceMatcher(None, a, b, autojunk=False).ratio() if a or b else 1.0


def cases() -> Iterator[tuple[str, str, str, str]]:
    """Script, text, font and scene of every line."""
    for script, (fonts, lines) in LINES.items():
        for i, text in enumerate(lines.split("|")):
            for scene in SCENES:
                font = fonts[i // 5 % 2] if script == "other" else fonts[(i + SCENES.index(scene)) % 2]
                yield script, text, font, scene


def measure_lines() -> dict[str, Tally]:
    """Read every line and count what became of it."""
    reader = RapidReader()
    seen: dict[str, list[tuple[str, float]]] = {}
    for script, text, font, scene in cases():
        lines = read_pixels(draw(text, font, scene), "sha256:" + "0" * 64, reader).lines
        statuses = [line.status for line in lines]
        status = next((s for s in ("read", "doubtful", "unreadable") if s in statuses), "unseen")
        said = "".join(line.text for line in lines if line.status == "read")
        seen.setdefault(script, []).append((status, similarity(said, text)))
    return {script: tally(results) for script, results in seen.items()}


def tally(results: list[tuple[str, float]]) -> Tally:
    """Count statuses, and average the similarity of lines that were read."""
    count = Counter(status for status, _ in results)
    right = [accuracy for status, accuracy in results if status == "read"]
    return Tally(
        lines=len(results),
        read=count["read"],
        doubtful=count["doubtful"],
        unreadable=count["unreadable"],
        unseen=count["unseen"],
        accuracy=round(float(np.mean(right)), 4) if right else 0.0,
    )


def shop_photos(folder: Path) -> list[NDArray[np.uint8]]:
    """The packaged photos of the `val` split, RGB."""
    rows = [json.loads(row) for row in (folder / "photos.jsonl").read_text("utf-8").splitlines()]
    return [pixels(load(folder / row["image"])) for row in rows if row["split"] == "val" and row["packaged"]]


def measure_kept(photos: list[NDArray[np.uint8]]) -> dict[str, int]:
    """What becomes of lines of real photos that the engine is sure of: Latin letters and numbers throughout."""
    reader = RapidReader()
    count: Counter[str] = Counter()
    for photo in photos:
        for text, score, corners in reader.read(photo):
            if score >= SURE and len(text.replace(" ", "")) > 2 and script_of(text) in ("latin", "digits"):
                judged = judge(text, score, cut(photo, np.asarray(corners, np.float32)))
                status, script = judged or ("unreadable", "unknown")
                count[status] += 1
                count["called foreign"] += status == "unreadable" and script != "unknown"
    return dict(count)


def measure_printed(photos: list[NDArray[np.uint8]]) -> dict[str, Tally]:
    """Lines printed on shop photos, five a photo, in three sizes and any two colours that differ."""
    reader, dice = RapidReader(), random.Random(5)
    table = {}
    for script, (fonts, lines) in LINES.items():
        results = []
        texts = lines.split("|")
        for em in (16, 24, 36):
            for first in range(0, len(texts), 5):
                page = Image.fromarray(dice.choice(photos)).resize((960, 960), Image.Resampling.BICUBIC)
                pen = ImageDraw.Draw(page)
                places = []
                for row, text in enumerate(texts[first : first + 5]):
                    face = _font(fonts[first // 5 % 2 if script == "other" else row % 2], em)
                    x, y = dice.randint(20, 960 - int(face.getlength(text)) - 20), 60 + 180 * row + dice.randint(0, 60)
                    box = pen.textbbox((x, y), text, font=face)
                    around = np.asarray(page)[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])]
                    ink = (250, 246, 230) if around.mean() < 128 else (25, 20, 60)
                    pen.text((x, y), text, font=face, fill=ink)
                    places.append((text, box))
                worn = page.filter(ImageFilter.GaussianBlur(0.7))
                found = read_pixels(np.asarray(worn), "sha256:" + "0" * 64, reader).lines
                for text, box in places:
                    over = [line for line in found if _covers(box, line.region.box)]
                    statuses = [line.status for line in over]
                    status = next((s for s in ("read", "doubtful", "unreadable") if s in statuses), "unseen")
                    said = "".join(line.text for line in over if line.status == "read")
                    results.append((status, similarity(said, text)))
        table[script] = tally(results)
    return table


def _covers(truth: tuple[float, float, float, float], box: Box) -> bool:
    """Whether the middle of `box` lies in `truth`, both in pixels."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return truth[0] <= x <= truth[2] and truth[1] <= y <= truth[3]


def measure_samples(folder: Path) -> tuple[list[dict[str, object]], dict[str, tuple[int, float]]]:
    """Read every sample: character accuracy, lines in order, and the fields of its truth that were found.

    Also, by script, how many lines there are and the mean accuracy of a line.
    """
    reader, rows = RapidReader(), []
    scripts: dict[str, list[float]] = {}
    for name, truth in json.loads((folder / "truth.json").read_text("utf-8")).items():
        photo = load(folder / name)
        reading = read_pixels(pixels(photo), photo.id, reader)
        wanted = [line["text"] for line in truth["lines"]]
        said = [line.text for line in reading.lines if line.status == "read"]
        found = [best(text, said) for text in wanted]
        for line, (_, accuracy) in zip(truth["lines"], found, strict=True):
            scripts.setdefault(line["script"], []).append(accuracy)
        places = [place for place, accuracy in found if accuracy >= 0.7]
        facts = {(fact.name, fact.value) for fact in find_fields(reading)}
        fields = {
            (field, value["value"] if isinstance(value, dict) else value)
            for field, values in truth["fields"].items()
            for value in (values if isinstance(values, list) else [values])
            if not (isinstance(value, dict) and value.get("derived"))
        }
        rows.append(
            {
                "sample": name,
                "quality": truth["quality"],
                "scripts": sorted({line["script"] for line in truth["lines"]}),
                "lines": len(wanted),
                "accuracy": round(float(np.mean([accuracy for _, accuracy in found])), 3) if found else None,
                "in_order": sum(a < b for a, b in pairwise(places)),
                "pairs": max(0, len(places) - 1),
                "fields": len(fields),
                "fields_found": len(fields & facts),
                "missed": sorted(f"{n} {v}" for n, v in fields - facts),
                "wrong": sorted(f"{n} {v}" for n, v in facts - fields if n in {name for name, _ in fields}),
                "unreadable": sum(line.status == "unreadable" for line in reading.lines),
                "ms": round(reading.ms),
            }
        )
    return rows, {script: (len(right), round(float(np.mean(right)), 4)) for script, right in scripts.items()}


def best(text: str, said: list[str]) -> tuple[int, float]:
    """Where the line most like `text` is among those said, and how like it is; the first of equals."""
    scores = [similarity(line, text) for line in said]
    return (int(np.argmax(scores)), max(scores)) if scores else (-1, 0.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--samples", type=Path, default=Path(__file__).parent.parent / "examples" / "samples")
    parser.add_argument("--photos", type=Path, help="a folder with photos.jsonl: print on its photos too")
    given = parser.parse_args()
    shop = shop_photos(given.photos) if given.photos else []
    tables = {"lines": measure_lines(), **({"printed on shop photos": measure_printed(shop)} if shop else {})}
    kept = measure_kept(shop)
    samples, by_script = measure_samples(given.samples)
    if given.json:
        found = {**tables, "sure lines of shop photos": kept, "samples": samples, "samples by script": by_script}
        print(json.dumps(found, ensure_ascii=False, default=asdict))
        return
    for title, table in tables.items():
        print(f"\n{title}")
        show(table)
    if kept:
        print("\nsure lines of shop photos\n" + "  ".join(f"{key} {value}" for key, value in kept.items()))
    print()
    for row in samples:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    print("\nlines of the samples")
    for script, (lines, accuracy) in by_script.items():
        print(f"{script:11}{lines:6}  {accuracy:.2%}")


def show(table: dict[str, Tally]) -> None:
    """Print one table; what is right for a script we read is `read`, for another anything else."""
    print(f"{'script':11}{'lines':>6}{'read':>6}{'doubt':>6}{'unread':>7}{'unseen':>7}  right  accuracy of read")
    for script, t in table.items():
        right = t.read if script in READABLE else t.lines - t.read
        print(
            f"{script:11}{t.lines:6}{t.read:6}{t.doubtful:6}{t.unreadable:7}{t.unseen:7}  {right / t.lines:5.1%}"
            + (f"  {t.accuracy:.1%}" if script in READABLE else "")
        )


if __name__ == "__main__":
    main()
