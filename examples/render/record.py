"""The set: which photos there are, and how they and their truth are written."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import photos_packs, photos_papers
from .artwork import script_of
from .lens import save
from .scene import Seen
from .shot import Shot

PHOTOS: dict[str, Callable[[], Shot]] = {
    "oat-carton": photos_packs.oat_carton,
    "oolong-tea-tin": photos_packs.tea_tin,
    "yoghurt-ambiguous-date": photos_packs.yoghurt_cup,
    "soy-sauce": photos_packs.soy_sauce,
    "medicine-box": photos_packs.medicine_box,
    "sesame-biscuits": photos_packs.biscuit_box,
    "receipt-english": photos_papers.receipt_en,
    "receipt-chinese": photos_papers.receipt_zh,
    "door-signs": photos_papers.door_signs,
    "wet-floor-sign": photos_papers.floor_sign_zh,
    "shelf-three-teas": photos_packs.shelf,
    "held-green-tea": photos_packs.held_pack,
    "oat-carton-blurred": photos_packs.oat_carton_blurred,
    "oolong-too-dark": photos_packs.tea_tin_dark,
    "biscuits-glare": photos_packs.biscuit_glare,
    "honey-exif-rotated": photos_packs.honey_on_its_side,
    "medicine-mirrored": photos_packs.medicine_mirrored,
    "leaflet-two-columns": photos_papers.leaflet,
    "injection-sticker": photos_packs.injection_sticker,
}
# Lines lower than this in the photo, pixels, are noted and not asked for.
SMALLEST = 10
SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def _quad(seen: Seen) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in seen.quad]


def _why_lost(shot: Shot, seen: Seen) -> dict[str, object]:
    """Why a person cannot read a mark in this photo; empty where one can."""
    if shot.unreadable:
        return {"why": "unreadable"}
    if seen.hidden:
        return {"why": "covered"}
    across, down = (float(np.linalg.norm(seen.quad[corner] - seen.quad[0])) for corner in (1, 3))
    small = seen.mark.kind == "line" and min(across, down) < SMALLEST
    return {"why": "small"} if small else {}


def truth(shot: Shot) -> dict[str, object]:
    """What `truth.json` says of one photo."""
    high, wide = shot.pixels.shape[:2]
    lines: list[object] = []
    codes: list[object] = []
    colours: list[object] = []
    hidden: list[object] = []
    for seen in shot.seen:
        mark, quad, lost = seen.mark, _quad(seen), _why_lost(shot, seen)
        if mark.kind == "colour":
            (x0, y0), (x1, y1) = seen.quad.min(axis=0), seen.quad.max(axis=0)
            box = [max(0.0, x0), max(0.0, y0), min(float(wide), x1), min(float(high), y1)]
            colours.append({"colour": mark.name, "box": [round(float(edge), 1) for edge in box]})
        elif mark.kind == "code":
            code = {"text": mark.name, "symbology": mark.symbology, "quad": quad}
            (hidden if lost else codes).append(code | lost)
        else:
            line: dict[str, object] = {"text": mark.name, "quad": quad, "script": script_of(mark.name)}
            if mark.vertical:
                line["vertical"] = True
            (hidden if lost else lines).append(line | lost)
    entry: dict[str, object] = {
        "description": shot.description,
        "language": shot.language,
        "size": [wide, high],
        "quality": shot.quality,
        "lines": lines,
        "hidden": hidden,
        "fields": shot.fields,
        "codes": codes,
        "colours": colours,
    }
    if shot.orientation != 1:
        entry["orientation"] = shot.orientation
    if shot.mirrored:
        entry["mirrored"] = True
    return entry


def main(names: list[str]) -> None:
    """Render the photos named, or all of them, and write them with their truth."""
    unknown = sorted(set(names) - set(PHOTOS))
    if unknown:
        raise SystemExit(f"no photo is called {', '.join(unknown)}; there are {', '.join(PHOTOS)}")
    SAMPLES.mkdir(exist_ok=True)
    record = SAMPLES / "truth.json"
    entries: dict[str, object] = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    for name in names or PHOTOS:
        shot = PHOTOS[name]()
        path = SAMPLES / f"{name}.jpg"
        save(shot.pixels, path, turned=shot.orientation == 6)
        entries[path.name] = truth(shot)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    ordered = {f"{name}.jpg": entries[f"{name}.jpg"] for name in PHOTOS if f"{name}.jpg" in entries}
    record.write_text(json.dumps(ordered, ensure_ascii=False, indent=1) + "\n", "utf-8")
