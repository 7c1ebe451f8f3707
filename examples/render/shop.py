"""The sample catalogue: its products, its official pictures, its customers' photos, and how they are written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from . import photos_shop
from .artwork import Sheet
from .camera import Points
from .lens import save
from .packs_shop import Copy, Pack
from .scenes_shop import PACKS, Arrival, Difference

PHOTOS: dict[str, Callable[[], Arrival]] = {
    "oat-on-table": photos_shop.oat_on_table,
    "barista-warm-light": photos_shop.barista_in_warm_light,
    "berry-tilted": photos_shop.berry_tilted,
    "longjing-in-hand": photos_shop.longjing_in_hand,
    "jasmine-on-desk": photos_shop.jasmine_on_desk,
    "rose-glare": photos_shop.rose_with_glare,
    "honey-on-bench": photos_shop.honey_on_bench,
    "relabelled": photos_shop.relabelled,
    "relabelled-sticker": photos_shop.relabelled_sticker,
    "missing-seal": photos_shop.missing_seal,
    "recoloured": photos_shop.recoloured,
    "wrong-variant": photos_shop.wrong_variant,
    "wrong-variant-subtle": photos_shop.wrong_grade,
    "dented": photos_shop.dented,
    "stained": photos_shop.stained,
    "not-in-catalogue": photos_shop.other_oat,
    "not-in-catalogue-tea": photos_shop.other_tea,
    "too-blurred": photos_shop.blurred,
    "back-only": photos_shop.back_only,
    "shelf": photos_shop.shelf,
    "two-photos-a": photos_shop.aloe_once,
    "two-photos-b": photos_shop.aloe_again,
}
CATALOGUE = Path(__file__).resolve().parent.parent / "catalogue"
# The one product of which the shop also shows the back.
WITH_BACK = "HJD-MASK-ROS"


def _official(sheet: Sheet) -> Image.Image:
    """A face straight on, on near-white with a soft shadow: 1000 pixels along its longer side, as shops show packs."""
    scale = 900 / max(sheet.width, sheet.height)
    wide, high = round(sheet.width * scale), round(sheet.height * scale)
    margin = round(0.055 * max(wide, high))
    ground = Sheet(wide + 2 * margin, high + 2 * margin, "#f7f7f5")
    ground.gradient((0, 0, ground.width, ground.height), "#fafaf9", "#f0f0ee")
    ground.soft_shadow((margin + 2, margin + 6, margin + wide + 2, margin + high + 10), 8, 9, 90)
    # Shrunk with its alpha, whose cut corners would else leave a dark rim.
    ground.image.alpha_composite(sheet.image.resize((wide, high), Image.Resampling.LANCZOS), (margin, margin))
    return ground.image.convert("RGB")


def _record(pack: Pack) -> dict[str, object]:
    """A line of `catalogue.jsonl`, its official pictures written beside it."""
    faces = {pack.sku.lower(): pack.front(Copy()).sheet}
    if pack.sku == WITH_BACK:
        faces[f"{pack.sku.lower()}-back"] = pack.back()
    for name, sheet in faces.items():
        _official(sheet).save(CATALOGUE / "official" / f"{name}.jpg", quality=90, subsampling="4:2:0", optimize=True)
    return {
        "sku": pack.sku,
        "title": pack.title,
        "images": [f"official/{name}.jpg" for name in faces],
        "brand": pack.brand,
        "family": pack.family,
        "gtin": pack.gtin,
        "net_content": pack.net_content,
        "language": pack.language,
    }


def _corners(quad: Points) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in quad]


def _difference(one: Difference) -> dict[str, object]:
    return {"kind": one.kind, "box": [round(edge, 1) for edge in one.box], "before": one.before, "now": one.now}


def truth(arrival: Arrival) -> dict[str, object]:
    """What `truth.json` says of one photo."""
    shot = arrival.shot
    entry: dict[str, object] = {
        "description": shot.description,
        "language": shot.language,
        "size": [shot.pixels.shape[1], shot.pixels.shape[0]],
        "quality": shot.quality,
        "sku": arrival.sku,
        "claimed": arrival.claimed,
        "verdict": arrival.verdict,
        "quad": None if arrival.quad is None else _corners(arrival.quad),
        "differences": [_difference(one) for one in arrival.differences],
        "fields": shot.fields,
    }
    if arrival.products:
        entry["products"] = [{"sku": sku, "quad": _corners(quad)} for sku, quad in arrival.products]
    return entry


def label(name: str, entry: Any) -> dict[str, object]:
    """The row of `photos.jsonl`, for `sightline eval`, of a photo of one thing, from its truth."""
    edits = [{"kind": d["kind"], "box": d["box"]} for d in entry["differences"] if entry["verdict"] == "differs"]
    return {"image": f"photos/{name}", "sku": entry["sku"], "edit": edits[0] if edits else None}


def main(names: list[str]) -> None:
    """Render the photos named with their truth; without names, the catalogue and all photos."""
    unknown = sorted(set(names) - set(PHOTOS))
    if unknown:
        raise SystemExit(f"no photo is called {', '.join(unknown)}; there are {', '.join(PHOTOS)}")
    for folder in ("official", "photos"):
        (CATALOGUE / folder).mkdir(parents=True, exist_ok=True)
    if not names:
        lines = [json.dumps(_record(pack), ensure_ascii=False) for pack in PACKS.values()]
        (CATALOGUE / "catalogue.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        print(f"catalogue.jsonl: {len(lines)} products")
    record = CATALOGUE / "truth.json"
    entries: dict[str, Any] = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    for name in names or PHOTOS:
        arrival = PHOTOS[name]()
        path = CATALOGUE / "photos" / f"{name}.jpg"
        save(arrival.shot.pixels, path)
        entries[path.name] = truth(arrival)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    ordered = {f"{name}.jpg": entries[f"{name}.jpg"] for name in PHOTOS if f"{name}.jpg" in entries}
    record.write_text(json.dumps(ordered, ensure_ascii=False, indent=1) + "\n", "utf-8")
    single = {name: entry for name, entry in ordered.items() if "products" not in entry}
    rows = [json.dumps(label(name, entry), ensure_ascii=False) for name, entry in single.items()]
    (CATALOGUE / "photos.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
