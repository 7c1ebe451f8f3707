"""The catalogue: what is indexed is found, by every way of finding, by this process and by others."""

import contextlib
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from packs import pack, packs
from test_embedders import checkpoint

from sightline.memory.catalogue import Catalogue
from sightline.memory.descriptor import Descriptor
from sightline.memory.records import Problem, Record, read
from sightline.tools.errors import BadInput, Unavailable, UnknownPhoto, UnknownProduct
from sightline.tools.features import SEEN, extract
from sightline.tools.kit import Catalogue as Wanted
from sightline.tools.photos import pixels
from sightline.tools.types import PhotoId


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return packs(tmp_path / "pictures", range(8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "catalogue"


@pytest.fixture
def catalogue(folder: Path) -> Iterator[Catalogue]:
    with contextlib.closing(Catalogue(folder, "0")) as opened:
        yield opened


def rows(files: list[Path], **attributes: str) -> list[Record | Problem]:
    return [Record(n + 1, f"P{n}", f"Pack {n}", (file,), attributes) for n, file in enumerate(files)]


def seen(seed: int) -> NDArray[np.uint8]:
    """A pack as somebody's photo: enlarged, darker, on grey."""
    photo = pack(seed).resize((300, 400))
    return (np.asarray(photo) * 0.8).astype(np.uint8)


def nearest(catalogue: Catalogue, seed: int) -> str:
    (photo, cosine), *_ = catalogue.nearest([seen(seed)], 3)
    assert -1 <= cosine <= 1
    return catalogue.owners(photo)[0].sku


def test_what_is_indexed_is_found(catalogue: Catalogue, files: list[Path]) -> None:
    wanted: Wanted = catalogue
    told: list[tuple[str, int, int]] = []
    report = catalogue.index(rows(files, brand="Meadow"), lambda *each: told.append(each))
    assert report == (8, 0, 0, ())
    assert told[-1] == ("indexing", 8, 8)
    assert len(wanted) == 8
    assert [product.sku for product in catalogue.products()] == [f"P{n}" for n in range(8)]
    for seed in range(8):
        product = wanted.product(f"P{seed}")
        assert product.attributes == {"brand": "Meadow"}
        (reference,) = product.references
        assert list(wanted.owners(reference)) == [product]
        np.testing.assert_array_equal(pixels(wanted.photo(reference)), np.asarray(pack(seed)))
        assert len(wanted.features(reference)) > 50
        assert nearest(catalogue, seed) == f"P{seed}"
        (first, votes), *_ = wanted.resembling(extract(seen(seed), *SEEN), 3)
        assert first == reference
        assert votes > 5


def test_without_a_catalogue_nothing_is_found_and_nothing_written(catalogue: Catalogue, folder: Path) -> None:
    assert (len(catalogue), catalogue.embedder, list(catalogue.products())) == (0, "descriptor", [])
    assert not catalogue.nearest([seen(0)], 5)
    assert not catalogue.resembling(extract(seen(0), *SEEN), 5)
    assert not catalogue.named("oat milk")
    assert not catalogue.coded("4006381333931")
    assert not catalogue.search("oat milk", 5)
    with pytest.raises(UnknownProduct):
        catalogue.product("A")
    with pytest.raises(UnknownPhoto):
        catalogue.features("sha256:" + "0" * 64)
    assert not folder.exists()


def test_what_is_unchanged_is_not_even_decoded(
    catalogue: Catalogue, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.index(rows(files))
    monkeypatch.setattr("sightline.memory.indexing.load", None)
    assert catalogue.index(rows(files)) == (0, 0, 8, ())
    # A new title needs no picture either.
    assert catalogue.index([Record(1, "P0", "Other", (files[0],), {})]) == (0, 1, 0, ())
    assert catalogue.product("P0").title == "Other"
    # Nor does another name for the same file.
    copy = files[1].with_name("copy.png")
    copy.write_bytes(files[1].read_bytes())
    assert catalogue.index([Record(1, "P1", "Pack 1", (copy,), {})]) == (0, 0, 1, ())


def test_a_row_takes_the_place_of_the_whole_record(catalogue: Catalogue, files: list[Path]) -> None:
    catalogue.index([Record(1, "A", "a", tuple(files[:3]), {"brand": "x"}), Record(2, "B", "b", (files[2],), {})])
    first, second, shared = catalogue.product("A").references
    assert catalogue.index([Record(1, "A", "a", (files[3],), {})]) == (0, 1, 0, ())
    product = catalogue.product("A")
    assert product.attributes == {}
    assert len(product.references) == 1
    for gone in (first, second):
        with pytest.raises(UnknownPhoto):
            catalogue.photo(gone)
        with pytest.raises(UnknownPhoto):
            catalogue.features(gone)
    assert [owner.sku for owner in catalogue.owners(shared)] == ["B"]
    assert nearest(catalogue, 2) == "B"
    found = {photo for photo, _ in catalogue.nearest([seen(0), seen(1)], 9)}
    assert found == {shared, *product.references}


def test_removing_a_product_takes_its_own_photos_with_it(catalogue: Catalogue, files: list[Path]) -> None:
    catalogue.index([Record(1, "A", "a", (files[0], files[1]), {}), Record(2, "B", "b", (files[1],), {})])
    own, shared = catalogue.product("A").references
    catalogue.remove("A")
    assert [product.sku for product in catalogue.products()] == ["B"]
    assert [photo for photo, _ in catalogue.resembling(extract(seen(0), *SEEN), 5)] in ([], [shared])
    with pytest.raises(UnknownPhoto):
        catalogue.photo(own)
    with pytest.raises(UnknownProduct):
        catalogue.remove("A")


def test_rows_that_cannot_be_kept_are_told_and_leave_the_record_as_it_was(
    catalogue: Catalogue, files: list[Path], tmp_path: Path
) -> None:
    catalogue.index(rows(files[:1]))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    report = catalogue.index(
        [
            Record(1, "P0", "New", (files[1], tmp_path / "none.jpg"), {}),
            Problem(2, "Expected something else."),
            Record(3, "P1", "Broken", (broken,), {}),
            Record(4, "P2", "Folder", (tmp_path,), {}),
            Record(5, "P3", "Good", (files[2],), {}),
        ]
    )
    assert report[:3] == (1, 0, 0)
    assert [problem.line for problem in report.problems] == [1, 2, 3, 4]
    assert "none.jpg" in report.problems[0].message
    assert [product.title for product in catalogue.products()] == ["Pack 0", "Good"]
    with pytest.raises(BadInput, match="broken"):
        catalogue.add("P9", "Broken", [broken])


def test_one_product_is_added_and_changed(catalogue: Catalogue, files: list[Path]) -> None:
    assert catalogue.add("A", "Oat drink", files[:2], {"brand": "x"}) == catalogue.product("A")
    assert catalogue.add("A", "Oat drink", files[:1]).attributes == {}
    assert len(catalogue) == 1


@pytest.mark.parametrize(
    ("sku", "title", "attributes", "words"),
    [
        ("A", "tea \udcff", {}, "no text"),
        ("A", "tea", {"brand": "\ud800"}, "no text"),
        ("A\x07B", "tea", {}, "prints on one line"),
        (" ", "tea", {}, "sku is missing"),
    ],
)
def test_a_product_is_refused_as_its_row_in_a_file_would_be(
    catalogue: Catalogue, files: list[Path], sku: str, title: str, attributes: dict[str, str], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        catalogue.add(sku, title, files[:1], attributes)
    with pytest.raises(BadInput, match="path of an image"):
        catalogue.add("A", "tea", [])
    assert not len(catalogue)


@pytest.fixture(scope="module")
def drinks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """Products with names, all with one picture; to be asked and not written."""
    folder = tmp_path_factory.mktemp("drinks")
    (picture,) = packs(folder / "pictures", range(1))
    titles = {
        "BRAVO": "Bravo Apple Juice",
        "OAT": "Oat Milk Original 1 l",
        "RED": "Red grapefruit juice",
        "TEA-1": "山前 茉莉花茶 25包",
        "TEA-2": "山前 菊花茶 25包",
        "TEA-3": "山前 西湖龙井茶",
        "TROP-1": "Tropicana Pressed Apple",
        "TROP-2": "Tropicana Orange",
    }
    with contextlib.closing(Catalogue(folder / "catalogue", "0")) as opened:
        opened.index([Record(n, sku, title, (picture,), {}) for n, (sku, title) in enumerate(titles.items())])
        yield opened


@pytest.mark.parametrize(
    ("words", "skus"),
    [
        ("the oat milk", ["OAT"]),
        ("where is the OAT  MILK?", ["OAT"]),
        ("Tropicana apple", ["TROP-1"]),
        ("tropicana", ["TROP-1", "TROP-2"]),
        ("apples", ["TROP-1", "BRAVO"]),
        ("茉莉花茶", ["TEA-1"]),
        ("茉莉花茶在哪里？", ["TEA-1"]),
        ("花茶", ["TEA-1", "TEA-2"]),
        ("这盒龙井是哪个", ["TEA-3"]),
        ("trop-2", ["TROP-2"]),
        ("is this trop-2?", ["TROP-2"]),
        ("ＴＲＯＰ-2", ["TROP-2"]),
        ("red bull", []),
        ("oat bran muffin", []),
        ("草莓酸奶", []),
        ("where is the box?", []),
        ("", []),
        ("'; DROP TABLE products; --", []),
    ],
)
def test_words_name_products_as_a_person_would(drinks: Catalogue, words: str, skus: list[str]) -> None:
    assert {product.sku for product in drinks.named(words)} == set(skus)


def test_codes_are_found_however_many_zeros_are_in_front(catalogue: Catalogue, files: list[Path]) -> None:
    catalogue.index(
        [
            Record(1, "A", "a", (files[0],), {"gtin": "0036000291452"}),
            Record(2, "B", "b", (files[0],), {"EAN": "4006381333931; 4006381333948"}),
            Record(3, "C", "c", (files[0],), {"barcode": "0360 0029 1452", "note": "4006381333931"}),
        ]
    )
    assert [p.sku for p in catalogue.coded("036000291452")] == ["A", "C"]
    assert [p.sku for p in catalogue.coded("00036000291452")] == ["A", "C"]
    assert [p.sku for p in catalogue.coded("4006381333948")] == ["B"]
    assert not catalogue.coded("0000")
    assert not catalogue.coded("")


def test_a_search_says_how_each_product_was_found(files: list[Path], folder: Path, tmp_path: Path) -> None:
    with contextlib.closing(Catalogue(folder, "0")) as plain:
        plain.index(
            [Record(1, "A", "Oat milk", (files[0],), {"brand": "Meadow"}), Record(2, "B", "Tea", (files[1],), {})]
        )
        (hit,) = plain.search("meadow", 5)
        assert (hit.product.sku, hit.words, hit.similarity) == ("A", 1.0, None)
    clip = f"open_clip:local-dir:{checkpoint(tmp_path / 'clip')}"
    with contextlib.closing(Catalogue(folder, "0", clip)) as seeing:
        seeing.index([])
        first, second = seeing.search("meadow", 5)
        assert (first.product.sku, first.words, second.product.sku, second.words) == ("A", 1.0, "B", None)
        assert first.similarity is not None
        assert second.similarity is not None


def test_another_embedder_is_refused_until_everything_is_embedded_anew(
    files: list[Path], folder: Path, tmp_path: Path
) -> None:
    with contextlib.closing(Catalogue(folder, "0")) as first:
        first.index(rows(files))
    folders = [checkpoint(tmp_path / "clip"), checkpoint(tmp_path / "other", seed=1)]
    name = f"open_clip:local-dir:{folders[0]}"
    with contextlib.closing(Catalogue(folder, "0", name)) as second:
        with pytest.raises(Unavailable, match=r"made with, descriptor; got open_clip.*index the catalogue again"):
            second.nearest([seen(0)], 3)
        assert second.resembling(extract(seen(0), *SEEN), 3), "what needs no embedder goes on"
        told: list[tuple[str, int, int]] = []
        assert second.index([], lambda *each: told.append(each)) == (0, 0, 0, ())
        assert ("embedding", 8, 8) in told
        assert len(second.nearest([seen(0)], 9)) == 8
        assert len(second._vectors.collections("")) == 1
    with contextlib.closing(Catalogue(folder, "0")) as third:
        assert third.embedder == name
        assert len(third.nearest([seen(0)], 9)) == 8
    for file in folders[1].iterdir():
        (folders[0] / file.name).write_bytes(file.read_bytes())
    with (
        contextlib.closing(Catalogue(folder, "0")) as fourth,
        pytest.raises(Unavailable, match="other weights of the same name"),
    ):
        fourth.nearest([seen(0)], 3)


def test_a_file_with_nothing_to_keep_does_not_switch_the_embedder(
    files: list[Path], folder: Path, tmp_path: Path
) -> None:
    with contextlib.closing(Catalogue(folder, "0")) as first:
        first.index(rows(files[:2]))
    (tmp_path / "bad.jsonl").write_text('{"sku": "A"}\n{oops\n')
    name = f"open_clip:local-dir:{checkpoint(tmp_path / 'clip')}"
    with contextlib.closing(Catalogue(folder, "0", name)) as second:
        with pytest.raises(BadInput, match="cannot be read"):
            second.index(read(tmp_path / "mistyped.jsonl"))
        assert [problem.line for problem in second.index(read(tmp_path / "bad.jsonl")).problems] == [1, 2]
    with contextlib.closing(Catalogue(folder, "0")) as third:
        assert third.embedder == "descriptor"
        assert nearest(third, 1) == "P1"


def test_a_manifest_that_keeps_a_dimension_as_it_was_kept_earlier_is_read(files: list[Path], folder: Path) -> None:
    with contextlib.closing(Catalogue(folder, "0")) as first:
        first.index(rows(files[:2]))
        made = first._shelf.made
        assert made is not None
    with contextlib.closing(sqlite3.connect(folder / "manifest.sqlite")) as db, db:
        earlier = json.dumps((made.embedder, made.identity, Descriptor.dimension, made.collection))
        db.execute("UPDATE facts SET value = ? WHERE name = 'made'", (earlier,))
    with contextlib.closing(Catalogue(folder, "0")) as second:
        assert second._shelf.made == made
        assert nearest(second, 1) == "P1"


def test_a_switch_of_embedders_that_was_killed_leaves_the_old_one_and_goes_on_where_it_was(
    files: list[Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.memory.indexing._BATCH", 3)
    name = f"open_clip:local-dir:{checkpoint(tmp_path / 'clip')}"
    with contextlib.closing(Catalogue(folder, "0")) as old:
        old.index(rows(files))

        class Killed(BaseException):
            pass

        def kill(what: str, done: int, _: int) -> None:
            if (what, done) == ("embedding", 6):
                raise Killed

        with contextlib.closing(Catalogue(folder, "0", name)) as new:
            with pytest.raises(Killed):
                new.index([], kill)
            assert nearest(old, 3) == "P3"
            told: list[tuple[str, int, int]] = []
            new.index([], lambda *each: told.append(each))
            assert told[0] == ("embedding", 2, 2)
            assert len(new.nearest([seen(0)], 9)) == 8


def test_what_was_lost_beside_the_manifest_is_put_right(catalogue: Catalogue, files: list[Path]) -> None:
    catalogue.index(rows(files))
    made = catalogue._shelf.made
    assert made is not None
    photos = [catalogue.product(f"P{n}").references[0] for n in range(8)]
    catalogue._vectors.drop(made.collection, photos[:4])
    catalogue._vectors.put(made.collection, ["sha256:orphan"], np.ones((1, Descriptor.dimension), np.float32))
    next((catalogue._folder / "photos").glob(f"??/{photos[5][9:]}.photo")).write_bytes(b"damaged")
    next((catalogue._folder / "photos").glob(f"??/{photos[6][9:]}.photo")).unlink()
    (catalogue._folder / "features.index").write_bytes(b"PK damaged")
    catalogue._vectors.drop(made.collection, photos[5:6])
    report = catalogue.index([])
    assert len(report.problems) == 2
    assert all("Index it again" in problem.message for problem in report.problems)
    assert catalogue.index(rows(files)) == (0, 0, 8, ())
    assert catalogue._vectors.photos(made.collection) == set(photos) == set(catalogue._photos.ids())
    assert [nearest(catalogue, seed) for seed in range(8)] == [f"P{n}" for n in range(8)]


def test_a_damaged_folder_that_chroma_panics_over_is_told(files: list[Path], folder: Path) -> None:
    with contextlib.closing(Catalogue(folder, "0")) as first:
        first.index(rows(files[:2]))
    with contextlib.closing(sqlite3.connect(folder / "chroma" / "chroma.sqlite3")) as db, db:
        db.execute("UPDATE migrations SET sql = CAST(x'ff' AS TEXT)")
    with contextlib.closing(Catalogue(folder, "0")) as second:
        with pytest.raises(Unavailable, match=r"Chroma.*Move that folder away"):
            second.nearest([seen(0)], 1)
        with pytest.raises(Unavailable, match=r"Chroma.*Move that folder away"):
            second.index(rows(files[:2]))


def test_a_reader_passes_over_a_photo_that_is_removed_while_it_looks(
    catalogue: Catalogue, files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.index(rows(files[:3]))
    (folder / "features.index").unlink()
    with contextlib.closing(Catalogue(folder, "0")) as reader:
        listed = reader._shelf.photos()

        def photos() -> Sequence[PhotoId]:
            if len(catalogue) == 3:
                catalogue.remove("P1")
            return listed

        monkeypatch.setattr(reader._shelf, "photos", photos)
        (first, _), *_ = reader.resembling(extract(seen(2), *SEEN), 3)
        assert reader.owners(first)[0].sku == "P2"


READER = """
import sys
import numpy as np
from pathlib import Path
from sightline.memory.catalogue import Catalogue
from sightline.tools.features import SEEN, extract
catalogue, image = Catalogue(Path(sys.argv[1]), "0"), np.load(sys.argv[2])
for line in sys.stdin:
    (near, _), *_ = catalogue.nearest([image], 1)
    (alike, _), *_ = catalogue.resembling(extract(image, *SEEN), 1)
    skus = [catalogue.owners(photo)[0].sku for photo in (near, alike)]
    print(len(catalogue), *skus, len(catalogue.search("pack", 99)), flush=True)
"""


def test_an_open_reader_in_another_process_sees_what_was_written(
    catalogue: Catalogue, files: list[Path], folder: Path, tmp_path: Path
) -> None:
    every = rows(files)
    catalogue.index(every[:4])
    np.save(tmp_path / "seen.npy", seen(6))
    command = [sys.executable, "-c", READER, str(folder), str(tmp_path / "seen.npy")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None

        def asked() -> list[str]:
            print(file=reader.stdin, flush=True)
            return reader.stdout.readline().split() if reader.stdout else []

        before = asked()
        assert (before[0], before[3]) == ("4", "4")
        catalogue.index(every)
        assert asked() == ["8", "P6", "P6", "8"]
        catalogue.remove("P6")
        after = asked()
        assert after[0] == "7"
        assert "P6" not in after
        reader.stdin.close()
        assert reader.wait(10) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chroma = str(Path(sys.executable).with_name("chroma"))
    command = [chroma, "run", "--path", str(tmp_path / "served"), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def test_a_server_holds_the_embeddings_in_place_of_a_folder(files: list[Path], folder: Path, server: str) -> None:
    with contextlib.closing(Catalogue(folder, "0", server=server)) as served:
        served.index(rows(files))
        assert [nearest(served, seed) for seed in range(8)] == [f"P{n}" for n in range(8)]
        with contextlib.closing(Catalogue(folder, "0", server=server)) as reader:
            served.remove("P3")
            assert nearest(reader, 4) == "P4"
            assert nearest(reader, 3) != "P3"
    assert not (folder / "chroma").exists()
    with contextlib.closing(Catalogue(folder, "0")) as local:
        with pytest.raises(Unavailable, match="Index the catalogue again"):
            local.nearest([seen(0)], 3)
        local.index([])
        assert nearest(local, 2) == "P2"


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "localhost:8000", "ftp://x"])
def test_a_server_that_is_not_there_is_told(files: list[Path], folder: Path, server: str) -> None:
    with (
        contextlib.closing(Catalogue(folder, "0", server=server)) as lost,
        pytest.raises(Unavailable, match="Chroma"),
    ):
        lost.index(rows(files))


def test_many_threads_may_ask_while_one_writes(catalogue: Catalogue, files: list[Path]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    catalogue.index(rows(files[:4]))
    features = extract(seen(1), *SEEN)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(nearest, catalogue, 1) for _ in range(20)]
        alike = [pool.submit(catalogue.resembling, features, 1) for _ in range(20)]
        catalogue.index(rows(files))
        assert {each.result() for each in asked} == {"P1"}
        assert {catalogue.owners(each.result()[0][0])[0].sku for each in alike} == {"P1"}
