"""What people say when they correct us, as patterns: English and Chinese well, of other languages the plainest words.

`understanding.py` says what they mean.
"""

import re

UNDO = re.compile(
    r"^\W*(?:please |no,? )?(?:undo|take back|revert|withdraw|forget|cancel|delete|drop)\b"
    r"(?: (?:that|this|it|my|the|last|previous|latest|again|please|correction|what i (?:just )?(?:said|told you)))*\W*$"
    r"|^\W*(?:请|請)?(?:撤销|撤銷|撤回|取消|忘掉|忘记|忘記|删除|刪除)(?:掉|了|一下|刚才|剛才|刚刚|上一?[个次条條]|那个|這個|这个|我|说|的|更正|纠正|修正|改动|它)*\W*$"
    r"|^\W*(?:deshaz(?:lo)?|deshacer|olv[ií]da(?:lo)?|annule[rz]?(?: ça| cela)?|oublie(?: ça| cela)?"
    r"|mach das rückgängig|rückgängig(?: machen)?|vergiss das|desfa(?:z|ça|zer)(?: isso)?|esque(?:ce|ça) isso"
    r"|отмени(?:ть)?(?: это)?|забудь(?: это)?|取り消し(?:て)?(?:ください)?|元に戻して(?:ください)?|取消して"
    r"|취소(?:해|해줘|해 줘|하세요)?|되돌려(?: ?줘)?|تراجع(?: عن ذلك)?|ألغ(?:ِ)? ذلك|انس(?:َ)? ذلك"
    r"|(?:इसे |उसे )?(?:वापस लो|रद्द कर(?:ो|ें)|भूल जाओ))\W*$",
    re.I,
)
PRODUCT = re.compile(
    r"\b(?:always|from now on|in (?:the )?future|every time|for (?:this|the|that) product"
    r"|on (?:all|every) (?:such )?packs?)\b"
    r"|(?:以后|以後|今后|今後|从现在起|從現在起)(?:都|总是|一直)?"
    r"|(?:这|這)(?:款|个|個)(?:产品|商品|產品)(?:都|总是)?|总是|總是|每次都?"
    r"|\b(?:siempre|toujours|immer|sempre)\b|всегда|いつも|항상|دائما|हमेशा",
    re.I,
)
SIMILAR = re.compile(
    r"\b(?:in|on|for|and) (?:all )?(?:photos?|pictures?|images?|ones) (?:that (?:are|look) )?like (?:this|it|these)"
    r"(?: one)?\b"
    r"|\b(?:in|on|for) (?:all )?similar (?:photos?|pictures?|images?)\b"
    r"|(?:在)?(?:类似|類似|相似|这样|這樣|这种|這種)的?(?:照片|图片|圖片|相片)(?:里|中|上)?(?:都|也)?",
    re.I,
)
LEAD = re.compile(
    r"^\W*(?:(?:no+|nope|wrong|sorry|actually|well|not quite|not right|incorrect"
    r"|that(?:'| i)s (?:wrong|not right|incorrect)"
    r"|you (?:got|have|read) (?:it|that|this) wrong|you(?:'re| are) wrong|you misread(?: it| that)?|the box is wrong"
    r"|the box is (?:in the wrong place|off)|i told you|please (?:note|remember)(?: that)?|remember(?: that)?"
    r"|不对|不對|不是的?(?=[,，。!！])|错了|錯了|不,|你?(?:读|讀|看|认|認|框|说|說|数|數|弄|搞)[错錯]了"
    r"|请记住|記住|记住|其实|其實|no es así|non|nein|falsch|não|нет"
    r"|неверно|いいえ|違います|違う|아니요?|틀렸어요?|لا|خطأ|नहीं|ग़?लत)"
    r"(?:[\s,，.。!！;；:：、-]+|$|(?<=[一-鿿])))+",
    re.I,
)
NOT = (
    re.compile(
        r"^(?:it(?:'s| is)|that(?:'s| is)|this is)? ?not (?P<wrong>.+?)"
        r",? (?:but|it(?:'s| is)|that(?:'s| is)) (?P<right>.+)$",
        re.I,
    ),
    re.compile(r"^(?P<right>.+?),? (?:and )?(?:not|rather than|instead of) (?P<wrong>[^,]+)$", re.I),
    re.compile(r"^(?:这|那|它|這)?(?:并|並)?不是(?P<wrong>.+?)[,，、;；\s]*(?:而是|应该是|應該是|是)(?P<right>.+)$"),
    re.compile(r"^(?P<right>.+?)[,，、;；\s]*(?:而不是|不是|而非)(?P<wrong>.+)$"),
)
IDENTITY = re.compile(
    r"^(?:(?:it|that|this|these)(?:'s| is| are| was|’s)"
    r"|it should be|the (?:product|item|pack) is|they(?:'re| are))(?: actually| really)? (?P<en>.+)$"
    r"|^(?:这|这个|那|那个|它|这盒|这瓶|这包|這|這個|商品|产品)?(?:应该|應該|其实|其實|明明)?(?:是|叫)(?P<zh>.+)$"
    r"|^(?:das|es|dies) ist (?:die |der |das )?(?P<de>.+)$|^(?:c'est|ce sont) (?:l[ea]s? |celui |celle )?(?P<fr>.+)$"
    r"|^(?:esto |este |esta )?(?:es|son) (?:el |la |los |las )?(?P<es>.+)$"
    r"|^(?:isto |este |esta )?é (?:o |a )?(?P<pt>.+)$"
    r"|^это (?P<ru>.+)$|^(?:これ|それ)は(?P<ja>.+?)(?:です|だ)?$"
    r"|^(?:이건|이것은|그건) ?(?P<ko>.+?)(?:입니다|이에요|예요)?$"
    r"|^(?:هذا|هذه)(?: هو| هي)? (?P<ar>.+)$|^(?:यह|ये) (?P<hi>.+?)(?: है| हैं)?$",
    re.I,
)
OTHER_ONE = re.compile(
    r"^(?:the )?other(?: one| product| variant)?$|^另(?:外)?一?[个個款种種盒瓶包](?:产品|商品)?$", re.I
)
SAYS = re.compile(
    r"^(?:it|the (?:label|text|word|line|sign|pack)|this|that)?(?: actually)?"
    r" ?(?:says|reads|should (?:say|read)|is written)[:\s]+(?P<en>.+)$"
    r"|(?:上面|这里|那里|標籤|标签)?(?:写|寫|印)(?:的是|着|著|的应该是)[:：]?(?P<zh>.+)$",
    re.I,
)
QUOTED = re.compile(r"[“\"「『«](?P<q>[^”\"」』»]+)[”\"」』»]")
_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
NUMBERS = {word: n for n, word in enumerate(_TO_TWENTY.split())} | {"no": 0}
N = rf"(?P<n>\d{{1,4}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})"
HAN_N = "(?P<n>\\d{1,4}|[零一二两兩三四五六七八九十]{1,3})"
MEASURE = "[个個只隻条條瓶盒包袋张張件罐片朵辆輛人位]"
COUNT = (
    re.compile(
        rf"^(?:there (?:are|is|were)|i (?:see|count)|it(?:'s| is)|they are)(?: only| just| exactly)?"
        rf" {N}(?: of them| in total)?(?: (?P<what>[\w' -]+?))?$",
        re.I,
    ),
    re.compile(rf"^(?:一共|总共|總共|共|只|明明|应该)?(?:有|是){HAN_N}{MEASURE}(?P<what>[^,，。]*)$"),
)
ABSENT = (
    re.compile(
        r"^there (?:is|are|was)(?:n't| not|n’t)? (?:no|any|a|an) (?P<what>[\w' -]+?)"
        r"(?: (?:here|in (?:the|this) (?:photo|picture|image)|at all))*$",
        re.I,
    ),
    re.compile(r"^(?:照片|图片|圖片|图|这|这里)?(?:里|裡|中|上)?(?:根本|其实|并)?(?:没有|沒有)(?P<what>[^,，。]+)$"),
)
PRESENT = (
    re.compile(
        r"^there (?:is|are) (?:a|an|some) (?P<what>[\w' -]+?)"
        r"(?: (?:here|in (?:the|this) (?:photo|picture|image)|after all))*$",
        re.I,
    ),
    re.compile(
        r"^(?:照片|图片|圖片|图|这|这里)?(?:里|裡|中|上)?(?:明明|其实)?有(?:一?[个個只隻条條])?(?P<what>[^,，。]+)$"
    ),
)
BOX = re.compile(r"(?<![\d.])" + r"[,，\s]+".join([r"(\d{1,5}(?:\.\d+)?)"] * 4) + r"(?![\d.])")
PLACED = (
    re.compile(
        r"^(?:the |a |an )?(?P<what>[\w' -]+?)(?: (?:is|are|was|stands?|sits?|should be)|['’]s)"
        r" (?:actually |really )?(?P<where>(?:at|on|in|along|to|near|up|down|above|below)\b.+)$",
        re.I,
    ),
    re.compile(r"^(?P<what>[^,，。]*?)(?:应该|應該|其实|其實|明明)?在(?P<where>[^,，。]+)$"),
)
ROWS = (("upper", r"\b(?:top|upper|above|up)\b|上|顶|頂"), ("lower", r"\b(?:bottom|lower|below|down|under)\b|下|底"))
COLUMNS = (("left", r"\bleft\b|左"), ("right", r"\bright\b|右"))
MIDDLE = re.compile(r"\b(?:middle|cent(?:re|er))\b|中", re.I)
NAMED_FIELDS = re.compile(r"\b(?:is|are|was|should be|ought to be|reads)\b|应该是|應該是|应为|應為|是|为", re.I)
SEVERAL = (
    ("second", re.compile(r"\b(?:second|2nd|other) (?:photo|picture|image|one)\b|第二[张張]", re.I)),
    ("first", re.compile(r"\b(?:first|1st) (?:photo|picture|image|one)\b|第一[张張]", re.I)),
)
