"""Catalogue files: what rows mean, and that bad ones are told by line and the rest goes on."""

from pathlib import Path

import pytest

from sightline.memory.records import Problem, Record, checked, read
from sightline.tools.errors import BadInput


def rows(folder: Path, data: bytes, name: str = "catalogue.csv") -> list[Record | Problem]:
    (folder / name).write_bytes(data)
    return list(read(folder / name))


def test_json_lines_and_csv_say_the_same(tmp_path: Path) -> None:
    lines = rows(tmp_path, '{"sku":"A","title":"茶","images":["a.jpg","b.jpg"],"brand":"山"}'.encode(), "c.jsonl")
    table = rows(tmp_path, "sku,title,images,brand\nA,茶,a.jpg;b.jpg,山\n".encode())
    expected = Record(1, "A", "茶", (tmp_path / "a.jpg", tmp_path / "b.jpg"), {"brand": "山"})
    assert lines == [expected]
    assert [(r.sku, r.title, r.images, r.attributes) for r in table if isinstance(r, Record)] == [
        (expected.sku, expected.title, expected.images, expected.attributes)
    ]


def test_editions_are_pictures_under_a_name(tmp_path: Path) -> None:
    row = '{"sku":"A","title":"茶","image":"a.jpg","editions":{"2021":["b.jpg","a.jpg"]," 旧版 ":"c.jpg","none":[]}}'
    (record,) = rows(tmp_path, row.encode(), "c.jsonl")
    cell = row.partition('"editions":')[2][:-1].replace('"', '""')
    table, without = rows(tmp_path, f'sku,title,image,editions\nA,茶,a.jpg,"{cell}"\nB,b,b.jpg,\n'.encode())
    assert isinstance(record, Record)
    assert isinstance(table, Record)
    assert isinstance(without, Record)
    assert record.editions == table.editions
    assert record.editions == {"2021": (tmp_path / "b.jpg", tmp_path / "a.jpg"), "旧版": (tmp_path / "c.jpg",)}
    assert (record.attributes, without.editions) == ({}, {})
    # A picture of the pack of now is not one of another edition.
    assert record.paths == {tmp_path / "a.jpg": None, tmp_path / "b.jpg": "2021", tmp_path / "c.jpg": "旧版"}
    bad = ('["b"]', '{"2021":[7]}', '{"2021":["https://x/b.jpg"]}', '{"":["b"]}', '{"a\\nb":["b"]}', '"2021"')
    for given in bad:
        (problem,) = rows(tmp_path, f'{{"sku":"A","title":"x","image":"a","editions":{given}}}'.encode(), "c.jsonl")
        assert isinstance(problem, Problem), given


def test_values_that_are_no_text_are_kept_as_text(tmp_path: Path) -> None:
    data = b'{"sku":7,"title":"x","image":"a","n":1.5,"on":true,"none":null,"deep":{"a":["\xe8\x8c\xb6"]},"blank":" "}'
    (record,) = rows(tmp_path, data, "c.jsonl")
    assert isinstance(record, Record)
    assert record.sku == "7"
    assert record.attributes == {"n": "1.5", "on": "true", "deep": '{"a": ["茶"]}'}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_table_is_read_in_the_encodings_that_shops_export(tmp_path: Path, encoding: str) -> None:
    (record,) = rows(tmp_path, "sku,title,image\r\nA,茉莉花茶（二十五包）,a.jpg\r\n".encode(encoding))
    assert isinstance(record, Record)
    assert (record.line, record.title) == (2, "茉莉花茶（二十五包）")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.csv", b"sku,title,image,images\nA,x,a.jpg,\nA,x,a.jpg, ; \n"),
        ("c.jsonl", b'{"sku":"A","title":"x","image":"a.jpg","images":[""]}'),
    ],
)
def test_an_image_counts_where_there_is_a_list_that_is_blank(tmp_path: Path, name: str, data: bytes) -> None:
    (record,) = rows(tmp_path, data, name)
    assert isinstance(record, Record)
    assert record.images == (tmp_path / "a.jpg",)


def test_a_record_is_checked_as_its_row_would_be(tmp_path: Path) -> None:
    image = tmp_path / "a.jpg"
    kept = checked(Record(1, " A ", " x ", (image, image), {"brand": " y ", "note": " "}))
    assert kept == Record(1, "A", "x", (image,), {"brand": "y"})
    (row,) = rows(
        tmp_path, b'{"sku":" A ","title":" x ","images":["a.jpg","a.jpg"],"brand":" y ","note":" "}', "c.jsonl"
    )
    assert row == kept


def test_an_encoding_that_cannot_be_told_costs_only_its_own_rows(tmp_path: Path) -> None:
    bad, good = rows(tmp_path, "sku,title,image\nA,crème brûlée,a.jpg\nB,plain,b.jpg\n".encode("latin-1"))
    assert isinstance(bad, Problem)
    assert bad.line == 2
    assert "UTF-8" in bad.message
    assert isinstance(good, Record)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"{oops", "does not parse"),
        (b"[1, 2]", "Expected a JSON object"),
        (b"[" * 100_000, "does not parse"),
        (b'{"title":"x","image":"a"}', "sku is missing"),
        (b'{"sku":"A","title":" ","image":"a"}', "title is missing"),
        (b'{"sku":"A\\u0007B","title":"x","image":"a"}', "prints on one line"),
        (b'{"sku":"A","title":"x"}', "path of an image"),
        (b'{"sku":"A","title":"x","images":[]}', "path of an image"),
        (b'{"sku":"A","title":"x","images":[1]}', "list of paths"),
        (b'{"sku":"A","title":"x","image":"https://shop.example/a.jpg"}', "No URL is fetched"),
        (b'{"sku":"A","title":"x","image":"data:image/png;base64,AAAA"}', "No URL is fetched"),
        (b'{"sku":"A","title":"\\ud800","image":"a"}', "no text"),
        (b'{"sku":"A","title":"\xff","image":"a"}', "no text"),
    ],
)
def test_a_bad_row_is_told_by_line_and_the_rest_goes_on(tmp_path: Path, row: bytes, words: str) -> None:
    first, second = rows(tmp_path, b"\n" + row + b'\n{"sku":"Z","title":"z","image":"z.jpg"}\n', "c.jsonl")
    assert isinstance(first, Problem)
    assert first.line == 2
    assert words in first.message
    assert isinstance(second, Record)
    assert second.line == 3


def test_a_sku_counts_once_and_a_repetition_is_no_problem(tmp_path: Path) -> None:
    found = rows(tmp_path, b"sku,title,image\nA,x,a.jpg\nA,x,a.jpg\nA,y,a.jpg\nB,x,a.jpg\n")
    assert [(type(row).__name__, row.line) for row in found] == [("Record", 2), ("Problem", 4), ("Record", 5)]
    assert isinstance(found[1], Problem)
    assert "line 2" in found[1].message


def test_cells_may_hold_lines_and_commas_and_a_line_is_where_its_row_begins(tmp_path: Path) -> None:
    found = rows(tmp_path, b'sku,title,image,note\nA,"two\nlines, one comma",a.jpg,n\nB,x,y,z,too many\n')
    assert isinstance(found[0], Record)
    assert (found[0].line, found[0].title) == (2, "two\nlines, one comma")
    assert isinstance(found[1], Problem)
    assert found[1].line == 4


@pytest.mark.parametrize("data", [b"sku;title;image\nA;x;a.jpg\n", b"sku\ttitle\timage\nA\tx\ta.jpg\n"])
def test_other_separators_are_told_by_the_first_line(tmp_path: Path, data: bytes) -> None:
    (record,) = rows(tmp_path, data)
    assert isinstance(record, Record)
    assert record.images == (tmp_path / "a.jpg",)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("c.json", b'[{"sku": 1}]'),
        ("c.csv", b"name,picture\n1,2\n"),
        ("c.csv", b'sku,title,"image\n' + b"A,x,a.jpg\n" * 20_000),
        ("c.csv", b"\x00\x01\x02"),
        ("c.xlsx", b"PK\3\4\0"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_whole(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(BadInput, match="Expected"):
        rows(tmp_path, data, name)


def test_a_file_that_is_not_there_is_refused_and_an_empty_one_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        list(read(tmp_path / "none.csv"))
    assert rows(tmp_path, b"") == []
    assert rows(tmp_path, b"", "c.jsonl") == []
