"""Customers' photos of the catalogue's packs: each composes a scene and says what is true of it."""

import numpy as np

from . import packs_en, packs_zh, textures
from .camera import Camera, Patch
from .hand import cast, hand
from .lens import develop, glare, shake, window_light
from .packs_shop import Copy
from .scene import Scene, defocus
from .scenes_shop import PACKS, Arrival, Difference, Placed, carton, lie, lying, on_table, setting, stand
from .shot import Facts, Shot, begin, finish
from .things import Carton, Outline, Table, box, shade, wall
from .wear import dent, stain

UPRIGHT, WIDE = (1050, 1400), (1400, 1050)


def _expiry(date: str) -> Facts:
    return {"expiry": date}


def _warm(scene: Scene, strength: float) -> None:
    """A bulb instead of the window."""
    scene.canvas = np.asarray(
        scene.canvas * np.array([1 + 0.10 * strength, 1 - 0.06 * strength, 1 - 0.34 * strength]), np.float32
    )


def oat_on_table() -> Arrival:
    """An oat drink on a kitchen table."""
    camera = Camera((5, -40, 21), (0.6, 2, 7.4), UPRIGHT, 1.97, -1.0)
    scene, placed = on_table(101, "FRN-OAT-15", Copy("14 MAR 2027"), "kitchen", camera, (-4.6, 0, -12), (15.0, 16.0))
    said = "A carton of oat drink, Original with 1.5% fat, on a kitchen table."
    return Arrival(finish(scene, said, "en", _expiry("2027-03-14")), "FRN-OAT-15", "same", placed.quad)


def barista_in_warm_light() -> Arrival:
    """An oat drink in the light of a bulb."""
    camera = Camera((-6, -39, 18), (0, 2, 7.2), UPRIGHT, 1.94, 2.0)
    scene, placed = on_table(102, "FRN-OAT-BAR", Copy("02 FEB 2027"), "bench", camera, (-4.2, 0, 10), (-14.0, 17.0))
    _warm(scene, 0.75)
    said = "A carton of Barista oat drink on a bench in the warm light of a bulb."
    return Arrival(finish(scene, said, "en", _expiry("2027-02-02"), 0.3), "FRN-OAT-BAR", "same", placed.quad)


def berry_tilted() -> Arrival:
    """A fruit infusion seen from far to one side, the camera askew."""
    camera = Camera((-16.5, -30.5, 15), (-0.2, 1.4, 4.4), WIDE, 1.80, 6.0)
    scene, placed = on_table(103, "LRK-TEA-BER40", Copy("30 NOV 2027"), "linen", camera, (-7.0, 0, 3), (14.0, 18.0))
    said = "A box of forty bags of Wild Berry infusion on linen, seen from far to the left."
    return Arrival(finish(scene, said, "en", _expiry("2027-11-30")), "LRK-TEA-BER40", "same", placed.quad)


def longjing_in_hand() -> Arrival:
    """A box of tea in a hand whose thumb covers its net content."""
    scene = begin(104, Camera((0, -40, 12), (0.4, 0, 7), UPRIGHT, 1.62, 3.0))
    wall(scene, textures.shop_lights(scene.rng, 900, 1300, (150, 156, 150), (255, 236, 200), 26), 60, 8)
    palm = [
        [(1080, 1560, 230), (960, 1260, 150), (850, 1120, 120)],
        [(900, 1120, 96), (905, 940, 66), (845, 800, 56), (740, 720, 50)],
    ]
    scene.cover(hand(UPRIGHT, [palm], scene.rng))
    placed = stand(scene, PACKS["SYT-LJ-MQ"], Copy("2027年04月08日"), carton(PACKS["SYT-LJ-MQ"], -6.2, 0, 5, 0.2))
    thumb = hand(
        UPRIGHT,
        [[[(1090, 1420, 150), (960, 1240, 104), (815, 1105, 76), (700, 1010, 62), (610, 965, 52)]]],
        scene.rng,
        nails=[(627, 968, 33, 44, -60)],
    )
    shadow = cast(thumb, 10, 18, 12, 0.5)
    shadow[..., 3] *= placed.layer[..., 3]
    scene.darken(shadow)
    scene.cover(thumb)
    said = "A box of Longjing tea held in a hand; the thumb covers its net content."
    return Arrival(finish(scene, said, "zh", _expiry("2027-04-08")), "SYT-LJ-MQ", "same", placed.quad)


def jasmine_on_desk() -> Arrival:
    """A box of jasmine tea that lies on a desk."""
    scene = begin(105, Camera((2, -20, 46), (0.2, 6.4, 4), UPRIGHT, 2.13, -4.0))
    pack = PACKS["SYT-MLH"]
    body = lying(pack, -5.2, -1, 4)
    setting(scene, "desk", [(body.foot, pack.size[2])])
    placed = lie(scene, pack, Copy("2028年01月20日"), body)
    said = "A box of jasmine tea that lies on a desk, seen from above."
    return Arrival(finish(scene, said, "zh", _expiry("2028-01-20")), "SYT-MLH", "same", placed.quad)


def rose_with_glare() -> Arrival:
    """A box of masks with a lamp reflected in it."""
    camera = Camera((4, -46, 21), (0.2, 1, 7.8), UPRIGHT, 1.83, 1.2)
    scene, placed = on_table(106, "HJD-MASK-ROS", Copy("2028年06月30日"), "marble", camera, (-6.2, 0, -8))
    x0, y0, x1, y1 = placed.seen(placed.face.places["motif"])
    middle = (x1 - 0.12 * (x1 - x0), y0 + 0.16 * (y1 - y0))
    canvas, blown = glare(window_light(scene.canvas), middle, (120, 66), -24, 1.7, placed.layer[..., 3])
    scene.lose((blown > 0.66).astype(np.float32))
    said = "A box of rose face masks on marble; a lamp is reflected beside the flower."
    shot = Shot(develop(canvas, scene.rng, exposure=1.03), scene.sight(), said, "zh", _expiry("2028-06-30"))
    return Arrival(shot, "HJD-MASK-ROS", "same", placed.quad)


def honey_on_bench() -> Arrival:
    """A box of honey masks from the left."""
    camera = Camera((-11, -43, 18), (-0.2, 1, 7.8), UPRIGHT, 1.85, 0.6)
    scene, placed = on_table(107, "HJD-MASK-HON", Copy("2028年02月15日"), "bench", camera, (-6.0, 0, 6), (15.0, 20.0))
    said = "A box of honey face masks on a pale bench."
    return Arrival(finish(scene, said, "zh", _expiry("2028-02-15")), "HJD-MASK-HON", "same", placed.quad)


def relabelled() -> Arrival:
    """An oat drink with another claim printed on it."""
    camera = Camera((-5, -40, 20), (0, 2, 7.4), UPRIGHT, 2.00, 0.8)
    copy = Copy("21 APR 2027", claim="LOW SUGAR")
    scene, placed = on_table(108, "FRN-OAT-BAR", copy, "marble", camera, (-4.4, 0, 9))
    found = [placed.difference("text", "claim", "NO ADDED SUGAR", "LOW SUGAR")]
    said = "A carton of Barista oat drink whose claim reads LOW SUGAR where the official picture has NO ADDED SUGAR."
    return Arrival(
        finish(scene, said, "en", _expiry("2027-04-21")), "FRN-OAT-BAR", "differs", placed.quad, differences=found
    )


def relabelled_sticker() -> Arrival:
    """A box of masks with a sticker over the number of masks."""
    camera = Camera((3, -45, 20), (0.2, 1, 7.8), UPRIGHT, 1.74, -1.0)
    copy = Copy("2027年12月01日", sticker="10片装")
    scene, placed = on_table(109, "HJD-MASK-ALO", copy, "kitchen", camera, (-6.2, 0, -6))
    found = [placed.difference("text", "net", "5片装", "10片装")]
    said = "A box of aloe face masks with a white sticker over the net content: ten masks where five are official."
    return Arrival(
        finish(scene, said, "zh", _expiry("2027-12-01")), "HJD-MASK-ALO", "differs", placed.quad, differences=found
    )


def missing_seal() -> Arrival:
    """A box of tea without its seal."""
    camera = Camera((-4, -42, 19), (0, 1, 7.3), UPRIGHT, 1.86, 1.0)
    copy = Copy("2027年09月12日", sealed=False)
    scene, placed = on_table(110, "SYT-BLC", copy, "linen", camera, (-5.5, 0, 8))
    found = [placed.difference("missing", "seal", "防拆封签", None)]
    said = "A box of Biluochun tea whose seal over the lid is not there."
    return Arrival(
        finish(scene, said, "zh", _expiry("2027-09-12")), "SYT-BLC", "differs", placed.quad, differences=found
    )


def recoloured() -> Arrival:
    """A fruit infusion whose brand has another colour."""
    camera = Camera((5, -36, 15), (0.3, 1, 4.4), WIDE, 1.76, -1.2)
    copy = Copy("18 AUG 2027", logo="#a8332b")
    scene, placed = on_table(111, "LRK-TEA-LEM20", copy, "desk", camera, (-7.0, 0, -7))
    found = [placed.difference("colour", "logo", "blue", "red")]
    said = "A box of Lemon Ginger infusion whose brand roundel is red; in the official picture it is blue."
    return Arrival(
        finish(scene, said, "en", _expiry("2027-08-18")), "LRK-TEA-LEM20", "differs", placed.quad, differences=found
    )


def _other(placed: Placed, sku: str, claimed: str) -> list[Difference]:
    """The printed words that tell what came from what was ordered."""
    here, there = PACKS[sku].words, PACKS[claimed].words
    return [placed.difference("text", name, there[name], here[name]) for name in here if here[name] != there.get(name)]


def wrong_variant() -> Arrival:
    """Chocolate came where Original was ordered."""
    camera = Camera((4, -41, 19), (0.4, 2, 7.2), UPRIGHT, 1.95, 1.4)
    sku, claimed = "FRN-OAT-CHO", "FRN-OAT-15"
    scene, placed = on_table(112, sku, Copy("09 JAN 2027"), "linen", camera, (-4.4, 0, -9), (-13.0, 16.0))
    shot = finish(scene, "A carton of Chocolate oat drink; Original was ordered.", "en", _expiry("2027-01-09"))
    return Arrival(shot, sku, "other_variant", placed.quad, claimed, _other(placed, sku, claimed))


def wrong_grade() -> Arrival:
    """Another grade of one tea came: the artwork is the same, four characters are not."""
    camera = Camera((5, -42, 18), (0.2, 1, 7.3), UPRIGHT, 1.79, -1.6)
    sku, claimed = "SYT-LJ-YQ", "SYT-LJ-MQ"
    scene, placed = on_table(113, sku, Copy("2027年05月16日"), "kitchen", camera, (-5.7, 0, -9), (15.5, 18.0))
    said = "A box of Longjing tea of the grade picked after Qingming; the one picked before was ordered."
    shot = finish(scene, said, "zh", _expiry("2027-05-16"))
    return Arrival(shot, sku, "other_variant", placed.quad, claimed, _other(placed, sku, claimed))


def dented() -> Arrival:
    """An oat drink with a dent in its front."""
    sku, copy = "FRN-OAT-30", Copy("27 JUN 2027")
    face = PACKS[sku].front(copy)
    place = dent(face.sheet, (262, 700), (108, 84), -38)
    camera = Camera((-7, -40, 20), (0, 2, 7.4), UPRIGHT, 2.05, -0.6)
    scene, placed = on_table(114, sku, copy, "bench", camera, (-4.4, 0, 12), None, face)
    found = [placed.difference("damage", place, None, "dent")]
    said = "A carton of oat drink, Original with 3% fat, with a dent on the left of its front."
    return Arrival(finish(scene, said, "en", _expiry("2027-06-27")), sku, "differs", placed.quad, differences=found)


def stained() -> Arrival:
    """A box of masks that something was spilt on."""
    sku, copy = "HJD-MASK-ALO", Copy("2028年03月22日")
    face = PACKS[sku].front(copy)
    place = stain(face.sheet, (840, 1000), 175, 5)
    camera = Camera((5, -45, 21), (0.2, 1, 7.8), UPRIGHT, 1.80, 1.6)
    scene, placed = on_table(115, sku, copy, "desk", camera, (-6.2, 0, -9), (-17.0, 20.0), face)
    found = [placed.difference("damage", place, None, "stain")]
    said = "A box of aloe face masks with a brown stain on the right of its front."
    return Arrival(finish(scene, said, "zh", _expiry("2028-03-22")), sku, "differs", placed.quad, differences=found)


def other_oat() -> Arrival:
    """An oat drink of another maker."""
    scene = begin(116, Camera((6, -47, 24), (1.0, 3, 9.0), UPRIGHT, 1.72, 1.0))
    body = Carton(-5.0, 0, 9.5, 19, 7, -10)
    setting(scene, "linen", [(body.foot, 19)], (14.0, 17.0))
    box(scene, body, packs_en.oat_front(), packs_en.oat_side(), packs_en.oat_top())
    shot = finish(scene, "A carton of oat drink of a maker that the catalogue lacks.", "en", _expiry("2027-03-14"))
    return Arrival(shot, None, None)


def other_tea() -> Arrival:
    """A tea of another maker."""
    scene = begin(117, Camera((-4, -40, 19), (0.2, 1, 6.9), UPRIGHT, 1.84, -1.4))
    body = Carton(-4.8, 0, 10, 14.4, 5, 8)
    setting(scene, "kitchen", [(body.foot, 14.4)])
    sheet = packs_zh.tea_box("红茶", "BLACK TEA", "#8e1d24", "#b8323a", "red", "醇厚温润", "净含量 100克")
    box(scene, body, sheet, packs_en.plain(400, 1150, "#8e2228"), packs_en.plain(800, 400, "#8e2228"))
    return Arrival(finish(scene, "A box of black tea of a maker that the catalogue lacks.", "zh"), None, None)


def blurred() -> Arrival:
    """A fruit infusion, shaken and out of focus beyond anything."""
    camera = Camera((-3, -36, 16), (0, 1, 4.4), WIDE, 1.84, 2.0)
    sku = "LRK-TEA-BER20"
    scene, placed = on_table(118, sku, Copy("12 OCT 2027"), "marble", camera, (-7.0, 0, 5))
    photo = develop(shake(defocus(window_light(scene.canvas), 8), 36, 31), scene.rng)
    said = "A box of fruit infusion, so shaken and out of focus that nothing can be decided."
    shot = Shot(photo, scene.sight(), said, "en", quality="retake", unreadable=True)
    return Arrival(shot, sku, "cannot_tell", placed.quad, sku)


def back_only() -> Arrival:
    """An oat drink from behind."""
    sku = "FRN-OAT-BAR"
    scene = begin(119, Camera((3, -39, 18), (0.2, 2, 7.2), UPRIGHT, 1.99, 0.6))
    pack = PACKS[sku]
    body = carton(pack, -4.6, 0, -5)
    setting(scene, "bench", [(body.foot, pack.size[1])], (15.0, 18.0))
    box(scene, body, pack.back(), pack.side(), pack.lid(False))
    said = "A carton of Barista oat drink from behind: ingredients, a table and the barcode; its front is not seen."
    return Arrival(finish(scene, said, "en"), sku, "cannot_tell", None, sku)


def shelf() -> Arrival:
    """Three products side by side on a shelf."""
    scene = begin(120, Camera((0, -62, 18), (0, 0, 7.0), WIDE, 1.46))
    cm = 20.0
    row = [("SYT-LJ-MQ", -18.6, 6.0, "2027年04月08日"), ("FRN-OAT-15", -5.3, -2.0, "14 MAR 2027")]
    row.append(("HJD-MASK-ROS", 6.0, -6.0, "2028年06月30日"))
    bodies = [carton(PACKS[sku], x, 0.5, turn) for sku, x, turn, _ in row]
    backs: list[tuple[Outline, float]] = []
    for body in bodies:
        left, right, top = (body.x + 60) * cm, (body.x + body.wide + 60) * cm, (60 - body.tall) * cm
        backs.append(([(left, top), (right, top), (right, 1200), (left, 1200)], 6.0))
    boards = textures.wood(scene.rng, 1200, 2400, (206, 196, 180), (232, 224, 210), 6)
    scene.ground(Patch((-60, 12, 60), (120, 0, 0), (0, 0, -60), light=0.88), shade(boards, cm, backs, (0.5, 0.1)), 1.6)
    table = Table(120, 26, -14, 24)
    board = textures.wood(scene.rng, *table.pixels, (176, 134, 92), (218, 180, 136), 3)
    table.lay(scene, board, [(body.foot, body.tall) for body in bodies])
    lip = textures.wood(scene.rng, 120, 2400, (156, 116, 78), (194, 154, 112), 1)
    scene.ground(Patch((-60, -14, 0), (120, 0, 0), (0, 0, -3.2)), lip)
    scene.ground(Patch((-60, -14, -3.2), (120, 0, 0), (0, 0, -30), light=0.30), lip, 2)
    placed = [stand(scene, PACKS[sku], Copy(date), body) for (sku, _, _, date), body in zip(row, bodies, strict=True)]
    said = "A shelf with Longjing tea on the left, oat drink in the middle and rose face masks on the right."
    products = [(sku, one.quad) for (sku, *_), one in zip(row, placed, strict=True)]
    return Arrival(finish(scene, said, "zh"), None, None, products=products)


def aloe_once() -> Arrival:
    """A box of masks, seen from the right."""
    camera = Camera((9, -44, 17), (0.4, 1, 7.8), UPRIGHT, 1.72, 2.0)
    scene, placed = on_table(121, "HJD-MASK-ALO", Copy("2028年05月11日"), "kitchen", camera, (-6.0, 0, -4))
    said = "A box of aloe face masks in a kitchen, seen from the right."
    return Arrival(finish(scene, said, "zh", _expiry("2028-05-11")), "HJD-MASK-ALO", "same", placed.quad)


def aloe_again() -> Arrival:
    """The same box on a desk, from above."""
    scene = begin(122, Camera((-5, -24, 47), (-0.2, 6.6, 2), UPRIGHT, 2.23, 5.0))
    pack = PACKS["HJD-MASK-ALO"]
    body = lying(pack, -6.0, -1, -5)
    setting(scene, "desk", [(body.foot, pack.size[2])])
    placed = lie(scene, pack, Copy("2028年05月11日"), body)
    # Away from the window, where the white card does not blow out.
    scene.canvas = scene.canvas * np.float32(0.9)
    said = "The same box of aloe face masks, now lying on a desk."
    return Arrival(finish(scene, said, "zh", _expiry("2028-05-11")), "HJD-MASK-ALO", "same", placed.quad)
