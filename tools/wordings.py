"""The words packs print before a value, in one table: which fact they announce, and in which language.

Pure text: `fields.py` decides what stands beside a label.
"""

import re
from typing import Literal, NamedTuple

from .dates import Order

Announces = Literal["expiry", "production", "lot", "quantity", "ingredients", "phone", "other"]
"""`quantity` is a weight or a volume: the unit decides. `other` ends what came before it."""


class Label(NamedTuple):
    """A label found in a text: `text[start:end]`, what it announces, and how its language writes dates."""

    start: int
    end: int
    announces: Announces
    order: Order | None


_DURATION = r"(?!\s*[:]?\s*(?:约)?\s*(?:\d{1,3}|[一二两三四五六七八九十]+)\s*(?:个|個|天|日|周|月|年(?!\d)))"
"""保质期 before 12个月 is a shelf life, from which nobody has asked us to compute a day."""

LABELS: tuple[tuple[Announces, Order | None, str], ...] = (
    (
        "expiry",
        None,
        "best before end|best before date|best before|best by|best if used by|best if used before|use by date|use by|"
        "use before|consume before|consume by|expiry date|expiration date|expires on|expires|expiry|exp. date|exp|"
        "bbe|bbd|bb|valid until|valid thru|good until|enjoy by|eat by",
    ),
    (
        "production",
        None,
        "date of manufacture|manufacturing date|manufacture date|manufactured on|manufactured|date of production|"
        "production date|production|produced on|produced|prod. date|prod|mfg. date|mfg|mfd|mfr. date|"
        "packaging date|packing date|"
        "packed on|packed|pack date|pkd|made on|roasted on|bottled on|baked on",
    ),
    (
        "expiry",
        "ymd",
        "有效期至|有效期到|有效日期|有效期限|有效期|保质期至|保质期到|保质期限|保质期|保質期至|保質期|"
        "失效日期|到期日期|到期日|截止日期|"
        "此日期前最佳|此日期前食用最佳|最佳食用日期|最佳食用期|最佳赏味期|赏味期限|赏味期|賞味期限|消費期限|"
        "消费期限|限期使用日期|限期使用|"
        "限用日期|请在此日期前食用|请于此日期前食用|使用期限|保存期限|此日期前使用",
    ),
    (
        "production",
        "ymd",
        "生产日期|生產日期|制造日期|製造日期|製造年月日|製造年月|製造日|製造|出厂日期|包装日期|包裝日期|灌装日期|加工日期|"
        "分装日期|烘焙日期|生产时间",
    ),
    (
        "expiry",
        "dmy",
        "mindestens haltbar bis ende|mindestens haltbar bis|mindesthaltbarkeitsdatum|mhd|zu verbrauchen bis|"
        "verwendbar bis|"
        "à consommer de préférence avant le|à consommer de préférence avant|à consommer avant le|à consommer avant|"
        "a consommer de preference avant|a consommer avant|à consommer jusqu'au|ddm|dlc|dluo|"
        "consumir preferentemente antes del|consumir preferentemente antes de|consumir antes del|consumir antes de|"
        "consumir pref. antes del|consumir pref. antes de|cad.|"
        "fecha de caducidad|caducidad|fecha de vencimiento|vencimiento|vence|cons. pref. antes|"
        "da consumarsi preferibilmente entro il|da consumarsi preferibilmente entro|da consumarsi entro|"
        "data di scadenza|"
        "data scadenza|scadenza|ten minste houdbaar tot|te gebruiken tot|tht|bäst före|sista förbrukningsdag|"
        "consumir até|validade",
    ),
    (
        "production",
        "dmy",
        "hergestellt am|herstellungsdatum|herstellungsdat.|abgefüllt am|verpackt am|date de fabrication|fabriqué le|"
        "emballé le|conditionné le|fecha de fabricación|fecha de fabricacion|fecha de elaboración|"
        "elaborado el|envasado el|"
        "data di produzione|prodotto il|confezionato il|productiedatum|tillverkad|tillverkningsdag|förpackningsdag|"
        "data de fabrico|data de fabricação",
    ),
    (
        "lot",
        None,
        "lot number|lot no.|lot nr.|lot code|lot #|lot|batch number|batch no.|batch code|batch|生产批号|"
        "产品批号|生產批號|批号|批號|"
        "批次号|批次|ロット番号|ロット|charge nr.|charge|ch.-b.|los nr.|los-nr.|n° de lot|nº de lote|"
        "n. lotto|lote|lotto|parti nr.",
    ),
    (
        "quantity",
        None,
        "net weight|net wt.|net contents|net content|net volume|net vol.|net quantity|net qty|net|"
        "drained weight|weight|wt|"
        "contents|volume|净含量|淨含量|凈含量|净重|淨重|凈重|净容量|容量|内容量|內容量|固形物|沥干物|重量|规格|"
        "nettogewicht|füllmenge|abtropfgewicht|"
        "inhalt|poids net égoutté|poids net|contenu net|peso neto|contenido neto|peso netto|contenuto netto|"
        "peso líquido|"
        "nettovikt|nettoinhoud|innehåll",
    ),
    (
        "ingredients",
        None,
        "active ingredients|ingredients list|ingredients|ingredient list|"
        "配料表|配料|原料与辅料|原材料名|原材料|原料|成分表|"
        "成分|成份|zutatenliste|zutaten|"
        "ingrédients|ingredientes|ingredienti|ingrediënten|ingredienser",
    ),
    (
        "phone",
        None,
        "customer service|customer care|consumer hotline|telephone|telefon|teléfono|téléphone|telefono|phone|"
        "hotline|helpline|"
        "tel. no.|tel|call us|call|mobile|fax|电话|電話|服务热线|客服热线|客户服务|热线|熱線|联系电话|客服|"
        "お客様相談室|手机|传真",
    ),
    (
        "other",
        None,
        "sell by|display until|storage|store in|store at|keep refrigerated|keep in|nutrition facts|"
        "nutrition information|"
        "nutrition|allergens|allergy advice|may contain|contains|directions|how to use|made in|product of|"
        "manufacturer|"
        "distributed by|imported by|address|serving size|barcode|产品名称|品名|产品标准|执行标准|标准代号|"
        "产地|地址|生产商|制造商|生产企业|"
        "委托方|受委托|经销商|储存条件|贮存条件|保存方法|贮藏|储藏|食用方法|使用方法|营养成分表|营养成分|"
        "过敏原|致敏|食品生产许可证|生产许可证|"
        "製造商|製造元|製造所|"
        "产品类型|净化|网址|条码|保存方法|栄養成分表示|製造者|販売者|nährwerte|kühl lagern|allergene|"
        "valeurs nutritionnelles|conserver|"
        "à conserver|información nutricional|conservar|valori nutrizionali|conservare|näringsvärde|förvaras",
    ),
)
"""What a label announces, how its language orders a date (`None`: cannot be told), and its wordings."""


def _pattern(wording: str) -> str:
    """A wording as a pattern: spaces and full stops may be missing, and it is no part of a longer word."""
    body = re.escape(wording).replace(r"\ ", r"[\s.]*").replace(r"\.", r"\.?")
    first = r"(?<![^\W\d_])" if wording[0].isascii() or (wording[0].isalpha() and wording[0] < "\u0250") else ""
    last = r"(?![^\W\d_])" if wording[-1] < "\u0250" else ""
    return (
        first + body + last + (_DURATION if wording in ("保质期", "保質期", "有效期", "保存期限", "使用期限") else "")
    )


_COMPILED = tuple(
    (announces, order, wording, re.compile(_pattern(wording), re.IGNORECASE))
    for announces, order, words in LABELS
    for wording in words.split("|")
)


def find_labels(text: str) -> list[Label]:
    """Every label in `text` (normalised, NFKC), in the order they stand; of two that overlap, the longer."""
    lower = text.lower()
    # A plain search first: most of the table is in no text at all, and a regular expression costs more.
    squeezed = re.sub(r"[\s.]+", "", lower)
    hits = [
        Label(match.start(), match.end(), announces, order)
        for announces, order, wording, pattern in _COMPILED
        if re.sub(r"[\s.]+", "", wording) in squeezed
        for match in pattern.finditer(text)
    ]
    hits.sort(key=lambda label: (label.start - label.end, label.start))
    kept: list[Label] = []
    for hit in hits:
        if all(hit.end <= other.start or hit.start >= other.end for other in kept):
            kept.append(hit)
    return sorted(kept)
