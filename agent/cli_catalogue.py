"""`sightline catalogue`: the products kept."""

from typing import Annotated

import typer

from ..tools.errors import BadInput
from .command import EXITS, Home, Json, Plain, opened, passes_on
from .terminal import measured, print_json, say, table

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def catalogue(context: typer.Context, home: Home = None, as_json: Json = False, plain: Plain = False) -> None:
    """List the products; search, add or remove one."""
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
    """Remove a product and its official photos."""
    del plain  # one line, the same either way
    with opened(home, as_json) as assistant:
        assistant.remove_product(sku)
    if as_json:
        print_json({"removed": sku})
    else:
        say(f"Removed {sku}.")


def _attribute(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (found and name):
        raise BadInput(f"Expected an attribute as NAME=VALUE, such as gtin=4006381333931; got {text!r}.")
    return name, value
