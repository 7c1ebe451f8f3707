"""`sightline catalogue`: the products kept, and the customers' photos that were confirmed to show them."""

from typing import Annotated

import typer

from ..tools.errors import BadInput
from .command import EXITS, Home, Json, Plain, opened, passes_on
from .terminal import measured, print_json, say, table

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def catalogue(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the products; search, add or remove one; confirm what customers' photos show."""
    if not passes_on(context):
        list_(home, as_json, plain)


@app.command("list")
def list_(home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the products."""
    with opened(home, as_json) as assistant:
        products = assistant.products()
    if as_json:
        from .reply import to_json

        print_json({"products": [to_json(product) for product in products]})
    elif not products:
        typer.echo("No products yet; `sightline index FILE` adds them.")
    else:
        table(("sku", "title", "photos"), [(p.sku, p.title, str(len(p.references))) for p in products], plain)


@app.command()
def search(
    words: str,
    most: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Find products by words; by their photos too, where the embedder reads."""
    with opened(home, as_json) as assistant:
        hits = assistant.search(words, most)
    if as_json:
        from .reply import to_json

        print_json({"hits": [{**hit._asdict(), "product": to_json(hit.product)} for hit in hits]})
    elif not hits:
        typer.echo("Nothing found.")
    else:
        rows = [(h.product.sku, h.product.title, measured(h.words), measured(h.similarity)) for h in hits]
        table(("sku", "title", "words", "similarity"), rows, plain)
    raise typer.Exit(0 if hits else EXITS["absent"])


@app.command()
def add(
    sku: str,
    title: str,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Its official photos.")],
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Such as gtin=…; repeat it.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep one product, in place of its earlier record."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        product = assistant.add_product(sku, title, images, dict(map(_attribute, attribute or [])))
    if as_json:
        from .reply import to_json

        print_json(to_json(product))
    else:
        say(f"Kept {product.sku}, {product.title}.")


@app.command()
def remove(sku: str, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """Remove a product with its official photos and its views."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        assistant.remove_product(sku)
    if as_json:
        print_json({"removed": sku})
    else:
        say(f"Removed {sku}.")


@app.command()
def confirm(
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO", help="A file, - for standard input, or sha256:… of a kept photo.")
    ],
    sku: str,
    box: Annotated[
        str | None,
        typer.Option(metavar="X0,Y0,X1,Y1", help="Where it is, in pixels, for a side that is not known yet."),
    ] = None,
    edition: Annotated[
        str | None, typer.Option(help="The edition of the pack, where it is not the one of now.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who says so.")] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Keep a photo as a view of a product, which it helps to recognise from now on."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        view = assistant.confirm(photo, sku, box=_box(box) if box is not None else None, edition=edition, by=by)
    if as_json:
        from .reply import to_json

        print_json(to_json(view))
    else:
        say(f"Kept {view.photo} as a view of {view.sku}.")


@app.command()
def views(
    sku: Annotated[str | None, typer.Argument(help="Only those of this product.")] = None,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """List the confirmed views: what photos, of what, by whom and when."""
    with opened(home, as_json) as assistant:
        found = assistant.views(sku)
    if as_json:
        from .reply import to_json

        print_json({"views": [to_json(view) for view in found]})
    elif not found:
        typer.echo("No views yet; `sightline catalogue confirm PHOTO SKU` adds one.")
    else:
        rows = [(v.sku, v.photo, v.edition or "", v.by or "", v.at, v.source or "") for v in found]
        table(("sku", "photo", "edition", "by", "at", "from"), rows, plain)


@app.command()
def withdraw(
    photo_id: Annotated[str, typer.Argument(metavar="PHOTO_ID", help="sha256:…, as `views` lists it.")],
    sku: str,
    home: Home = None,
    as_json: Json = False,
    plain: Plain = False,
) -> None:
    """Take back what was confirmed of a photo and a product."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        assistant.withdraw(photo_id, sku)
    if as_json:
        print_json({"withdrawn": photo_id, "sku": sku})
    else:
        say(f"Withdrew {photo_id} as a view of {sku}.")


def _box(text: str) -> tuple[float, ...]:
    try:
        x0, y0, x1, y1 = map(float, text.split(","))
    except ValueError:
        raise BadInput(f"Expected a box as X0,Y0,X1,Y1 in pixels, such as 40,60,300,420; got {text!r}.") from None
    return x0, y0, x1, y1


def _attribute(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (found and name):
        raise BadInput(f"Expected an attribute as NAME=VALUE, such as gtin=4006381333931; got {text!r}.")
    return name, value
