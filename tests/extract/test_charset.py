"""Character sets: how they are named, and what they are where nobody says."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metaclip_curate.extract.charset import as_utf8

HTML = "text/html"
# A sentence or two as a page without a label may hold, and how such pages are written.
UNLABELLED = [
    ("windows-1252", "Der Kirschbaum blüht im Frühling vor dem schönen Häuschen über dem Fluß, für alle ein Vergnügen"),
    ("windows-1252", "Un château près de la forêt où les élèves étaient allés à pied après l'été, déjà très âgés"),
    ("iso-8859-2", "Zażółć gęślą jaźń: łódź płynie po rzece, a żółty śnieg leży na polach, gdzie śpią niedźwiedzie"),
    ("windows-1251", "Красивый закат над рекой, фотография сделана летом в деревне у старого моста"),
    ("koi8-r", "Красивый закат над рекой, фотография сделана летом в деревне у старого моста"),
    ("windows-1253", "Όμορφο ηλιοβασίλεμα πάνω από τη θάλασσα, φωτογραφία από το καλοκαίρι στο νησί"),
    ("windows-1255", "שקיעה יפה מעל הים, תמונה שצולמה בקיץ ליד הגשר הישן בכפר"),
    ("windows-1256", "غروب جميل فوق البحر، صورة التقطت في الصيف بالقرب من الجسر القديم في القرية"),
    ("cp874", "พระอาทิตย์ตกที่สวยงามเหนือทะเล ภาพถ่ายในฤดูร้อนใกล้สะพานเก่าในหมู่บ้าน"),
    ("shift_jis", "海の上の美しい夕日。夏に村の古い橋の近くで撮影した写真です。"),
    ("euc-jp", "海の上の美しい夕日。夏に村の古い橋の近くで撮影した写真です。"),
    ("iso-2022-jp", "海の上の美しい夕日。夏に村の古い橋の近くで撮影した写真です。"),
    ("gb18030", "海上美丽的日落，夏天在村里的老桥附近拍摄的照片，我们都很喜欢这个地方"),
    ("big5", "海上美麗的日落，夏天在村裡的老橋附近拍攝的照片，我們都很喜歡這個地方"),
    ("euc-kr", "바다 위의 아름다운 일몰, 여름에 마을의 오래된 다리 근처에서 찍은 사진입니다"),
    ("utf-8", "Όμορφο ηλιοβασίλεμα, 美丽的日落, красивый закат"),
]


def decode(body: bytes, content_type: str = HTML) -> str:
    return as_utf8(body, content_type).decode("utf-8")


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/html; charset=utf-8", b"\xc3\xa4", "ä"),
        ("text/html; charset=ISO-8859-1", b"\x80\xe4", "€ä"),
        ('text/html;CHARSET = "latin1"', b"\x93\xe4", "“ä"),
        ("text/html; charset='windows-1251'", b"\xe4", "д"),
        ("text/html;charset=gb2312", b"\xd6\xd0\xe9F\x81\x30\x89\x38", "中镕ß"),
        ("text/html;charset=GBK; other=1", "中镕".encode("gbk"), "中镕"),
        ("text/html; charset=shift_jis", b"\x87\x40\x88\xea", "①一"),
        ("text/html; charset=euc-kr", "믜뷁".encode("cp949"), "믜뷁"),
        ("text/html; charset=big5", "中文".encode("big5"), "中文"),
        ("text/html; charset=utf-16le", "a中".encode("utf-16-le"), "a中"),
        ("text/html; charset=iso-8859-8-i", b"\xe0", "א"),
        ("text/html; charset=x-user-defined", b"a", "a"),
        # Nobody's labels: what follows decides.
        ("text/html; charset=rot13", b"\xc3\xa4", "ä"),
        ("text/html; charset=", b"\xc3\xa4", "ä"),
        ("text/html; charset=utf-8mb4", b'<meta charset="koi8-r">\xc1', '<meta charset="koi8-r">а'),
    ],
)
def test_header(content_type: str, body: bytes, text: str) -> None:
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    ("codec", "mark"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
def test_a_byte_order_mark_goes_before_the_header(codec: str, mark: bytes) -> None:
    assert decode(mark + "a中".encode(codec), "text/html; charset=koi8-r") == "a中"


@pytest.mark.parametrize(
    "meta",
    [
        "<meta charset=windows-1251>",
        "<META CharSet = ' Windows-1251 '/>",
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
        '<meta content="text/html;charset=cp1251" http-equiv=content-type>',
        "<!-- <meta charset=utf-8> --><script>'<meta charset=utf-8>'</script><meta charset=windows-1251>",
        "<meta charset=windows-1251><meta charset=utf-8>",
        "<meta name=x content='charset=utf-8'><meta charset=windows-1251>",
        "<meta charset=nonsense><meta charset><meta charset=windows-1251>",
        '<?xml version="1.0" encoding="windows-1251"?>',
        "<script>" + "x" * 5000 + "</script><meta charset=windows-1251>",
    ],
)
def test_meta(meta: str) -> None:
    page = meta if meta.startswith("<?xml") else f"<html><head>{meta}</head><body>"
    assert decode(page.encode() + b"\xf4") == page + "ф"


def test_the_header_goes_before_meta() -> None:
    page = "<meta charset=koi8-r>ä"
    assert decode(page.encode(), "text/html; charset=utf-8") == page


def test_a_meta_that_says_utf_16_is_wrong() -> None:
    page = "<meta charset=utf-16>ä"
    assert decode(page.encode()) == page


@pytest.mark.parametrize(("codec", "text"), UNLABELLED)
def test_detection(codec: str, text: str) -> None:
    page = f"<html><head><script>{'x = 1;' * 20_000}</script></head><body><p>{text}.</p><p>{text}!</p></body></html>"
    assert decode(page.encode(codec), HTML) == page


def test_utf_8_with_a_flaw_is_utf_8() -> None:
    text = "Όμορφο ηλιοβασίλεμα"
    assert decode(text.encode() + b" \xff " + text.encode()[:-1]) == f"{text} \ufffd {text[:-1]}\ufffd"


def test_what_no_encoding_explains_is_windows_1252() -> None:
    assert decode(b"a\xe9") == "a\u00e9"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.sampled_from(["utf-8", "utf-16le", "utf-16be", "gb18030"]),
)
def test_every_text_survives(text: str, label: str) -> None:
    body = text.encode(label)
    assume(not body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")))
    assert decode(body, f"text/html; charset={label}") == text


@pytest.mark.slow
@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_become_utf_8(body: bytes, label: str) -> None:
    named = f"text/html; charset={label}"
    # An unknown or missing label is guessed from the bytes alone, the same each time.
    assert decode(body, label) == decode(body, label)
    assert decode(body, named) or len(body) <= len("\ufeff".encode())  # a byte order mark may be all there is
    assert "<meta charset='" in decode(b"<meta charset='" + label.encode("utf-8", "replace") + b"'>" + body)


@given(st.binary(max_size=100), st.sampled_from(["iso-2022-jp", "big5", "euc-jp", "x-user-defined", "replacement"]))
def test_any_bytes_in_an_old_encoding_become_utf_8(body: bytes, label: str) -> None:
    # No encoding has more characters than bytes, but for one that a byte may become two of.
    assert len(decode(body, f"text/html; charset={label}")) <= 2 * len(body)
