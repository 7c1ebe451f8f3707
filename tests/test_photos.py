"""Photos: read from anywhere, in any format, without metadata and without losing a pixel."""

import base64
import io
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images import CANARY, FORMATS, ORIENTED, encoded, png, scene, tiff
from PIL import Image, ImageCms, ImageOps

from sightline.tools.errors import UnreadablePhoto
from sightline.tools.photos import Limits, load, pixels


def plain(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """What Pillow alone makes of it, upright."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_keeps_its_pixels_and_loses_its_metadata(form: str) -> None:
    data = encoded(form)
    assert form == "BMP" or CANARY in data or form in ("AVIF", "HEIF")
    photo = load(data)
    assert CANARY not in photo.data
    assert photo.size == (48, 32)
    np.testing.assert_array_equal(pixels(photo), plain(data))


@pytest.mark.parametrize("form", ORIENTED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_which_way_is_up_survives_and_tells_photos_apart(form: str, orientation: int) -> None:
    data = encoded(form, orientation)
    photo = load(data)
    assert photo.orientation == orientation
    assert photo.size == ((48, 32) if orientation < 5 else (32, 48))
    assert CANARY not in photo.data
    np.testing.assert_array_equal(pixels(photo), plain(data))
    assert (photo.id == load(encoded(form)).id) == (orientation == 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_once(orientation: int) -> None:
    sent, out = scene(), io.BytesIO()
    sent.save(out, "TIFF", tiffinfo={0x0112: orientation})
    sent.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(sent))
    for source in (out.getvalue(), Image.open(io.BytesIO(out.getvalue()))):
        photo = load(source)
        assert photo.size == upright.shape[1::-1]
        np.testing.assert_array_equal(pixels(photo), upright)


@pytest.mark.parametrize("form", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_container_that_turns_its_own_pixels_is_turned_once(form: str, orientation: int) -> None:
    sent = scene()
    sent.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(sent), int)
    photo = load(encoded(form, orientation))
    assert photo.size == upright.shape[1::-1]
    assert CANARY not in photo.data
    assert np.abs(pixels(photo) - upright).mean() < 16, "the same scene, but for what lossy coding costs"


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_stored_is_its_own_source(form: str) -> None:
    photo = load(encoded(form))
    assert load(photo.data) == photo


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF"])
def test_encoded_pixels_are_kept_and_not_encoded_again(form: str) -> None:
    data = encoded(form)
    photo = load(data)
    assert photo.format == form
    assert len(photo.data) <= len(data)


def test_the_same_pixels_with_other_metadata_are_the_same_photo() -> None:
    bare = io.BytesIO()
    scene().save(bare, "JPEG", quality=90)
    assert load(bare.getvalue()).id == load(encoded("JPEG")).id


def test_every_source_gives_the_same_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("JPEG")
    path = tmp_path / "a photo 照片.jpeg"
    path.write_bytes(data)
    uri = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert len({load(source).id for source in (path, str(path), data, uri, "-")}) == 1


def test_a_pil_image_is_kept_to_the_pixel() -> None:
    photo = load(scene())
    assert photo.format == "PNG"
    np.testing.assert_array_equal(pixels(photo), np.asarray(scene()))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", 255), ("L", 200), ("LA", 255), ("P", 200), ("RGBA", 255), ("CMYK", 200), ("YCbCr", 200), ("HSV", 200)],
)
def test_every_mode_becomes_rgb_and_transparency_becomes_white(mode: str, expected: int) -> None:
    image = Image.new("RGBA", (20, 20), (200, 200, 200, 0 if mode in ("LA", "RGBA") else 255)).convert(
        mode if mode in ("LA", "RGBA") else "RGB"
    )
    array = pixels(load(image.convert(mode)))
    assert array.shape == (20, 20, 3)
    assert abs(int(array[10, 10].mean()) - expected) <= 5


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_deep_greys_are_scaled_and_not_clipped(dtype: type[np.generic]) -> None:
    ramp = np.linspace(0, 65535, 256).reshape(16, 16).astype(dtype)
    seen = pixels(load(tiff(ramp)))[:, :, 0].astype(int).ravel()
    np.testing.assert_allclose(seen, np.arange(256), atol=1)


def test_a_16_bit_png_is_scaled() -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8000, np.uint16)).save(out, "PNG")
    assert abs(int(pixels(load(out.getvalue()))[0, 0, 0]) - 128) <= 1


def test_a_colour_profile_is_applied_and_a_broken_one_ignored() -> None:
    out, broken = io.BytesIO(), io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    scene().save(out, "JPEG", icc_profile=profile)
    scene().save(broken, "JPEG", icc_profile=b"not a profile")
    assert pixels(load(out.getvalue())).shape == pixels(load(broken.getvalue())).shape == (32, 48, 3)


def test_only_the_first_frame_of_an_animation_is_the_photo() -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    for form in ("GIF", "PNG", "WEBP"):
        out = io.BytesIO()
        frames[0].save(out, form, save_all=True, append_images=frames[1:], lossless=True)
        red, _, blue = pixels(load(out.getvalue()))[10, 10]
        assert red > 200 > 50 > blue, form


def test_the_array_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        pixels(load(scene()))[0, 0] = 0


def test_photos_are_read_by_many_threads_at_once() -> None:
    photos = [load(encoded(form)) for form in FORMATS] * 4
    seen: list[bool] = []

    def work() -> None:
        seen.extend(pixels(load(p.data)).shape == (32, 48, 3) for p in photos)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(seen) == 4 * len(photos)
    assert all(seen)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "AVIF"]))
@settings(max_examples=40, deadline=None)
def test_size_is_that_of_the_pixels(width: int, height: int, form: str) -> None:
    out = io.BytesIO()
    scene(width, height).save(out, form)
    photo = load(out.getvalue())
    assert pixels(photo).shape == (photo.size.height, photo.size.width, 3) == (height, width, 3)


def test_limits_are_checked_before_decoding() -> None:
    with pytest.raises(UnreadablePhoto, match="at most 100 pixels"):
        load(encoded("JPEG"), Limits(pixels=100))
    with pytest.raises(UnreadablePhoto, match="at most 100 bytes"):
        load(encoded("JPEG"), Limits(bytes=100))
    with pytest.raises(UnreadablePhoto, match="pixels"):
        load(png(60_000, 60_000))


@pytest.mark.parametrize(
    "address", ["https://example.org/a.jpg", "http://x", "ftp://x/a", "file:///etc/passwd", "s3://b/k"]
)
def test_no_address_is_fetched(address: str) -> None:
    with pytest.raises(UnreadablePhoto, match="not fetched"):
        load(address)
