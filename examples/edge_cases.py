"""Pages of a crawl that are easy to get wrong, each with the pairs that it must yield.

The pairs are written by hand by the rules of the table `pairs` (the URL standard, one row for each
distinct URL and text), so they also serve as a small oracle.
"""

import msgspec

from examples.page import Anchor, Image, Page

HOST = "https://odd.example"
LONE_SURROGATE = "\ud83e"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


class EdgeCase(msgspec.Struct, frozen=True):
    """A page and the pairs that it must yield.

    Attributes:
        name: Short name, the last part of the page's URL.
        why: Purpose of the page.
        page: The page.
        pairs: Expected (url, text) in document order, alt before title, without repeats.
    """

    name: str
    why: str
    page: Page
    pairs: tuple[tuple[str, str], ...]


def edge_cases() -> list[EdgeCase]:
    """Returns all cases, in a fixed order."""
    return [*_addresses(), *_bases(), *_unusable_addresses(), *_texts(), *_opt_outs(), *_empty()]


def _case(
    name: str,
    why: str,
    images: tuple[Image, ...],
    pairs: tuple[tuple[str, str], ...],
    *,
    base: str | None = None,
    metas: tuple[tuple[str, str], ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
) -> EdgeCase:
    page = Page(
        url=f"{HOST}/deep/er/{name}",
        title=name.replace("-", " "),
        images=images,
        links=(Anchor("/", text="Home"), Anchor("/photos/not-an-image.jpg", text="A plain link")),
        base=base,
        metas=metas,
        headers=headers,
        lang="en",
    )
    return EdgeCase(name, why, page, pairs)


def _addresses() -> list[EdgeCase]:
    return [
        _case(
            "relative-urls",
            "every way to write an address relative to the page",
            (
                Image("/photos/lighthouse.jpg", "A lighthouse seen from the ferry"),
                Image("puffin.jpg", "A puffin with three small fish"),
                Image("./gull.jpg", "A gull on a bollard"),
                Image("../../tern.jpg", "An Arctic tern above the pier"),
                Image("../../../../too-far-up.jpg", "More dots than folders"),
                Image("//cdn.odd.example/seal.jpg", "A seal on the slipway"),
                Image("?image=42", "The harbour master's office"),
            ),
            (
                (f"{HOST}/photos/lighthouse.jpg", "A lighthouse seen from the ferry"),
                (f"{HOST}/deep/er/puffin.jpg", "A puffin with three small fish"),
                (f"{HOST}/deep/er/gull.jpg", "A gull on a bollard"),
                (f"{HOST}/tern.jpg", "An Arctic tern above the pier"),
                (f"{HOST}/too-far-up.jpg", "More dots than folders"),
                ("https://cdn.odd.example/seal.jpg", "A seal on the slipway"),
                (f"{HOST}/deep/er/relative-urls?image=42", "The harbour master's office"),
            ),
        ),
        _case(
            "normalised-urls",
            "spellings that the URL standard makes one",
            (
                Image("HTTPS://ODD.Example:443/a/./b/../nets.jpg", "Nets hung up to dry"),
                Image("\\photos\\crab-pots.jpg", "Crab pots stacked on the quay"),
                Image(" /photos/rope coil.jpg ", "A coil of tarred rope"),
                Image("/photos/an\nchor.jpg", "An anchor half buried in sand"),
                Image("http:/photos/buoy.jpg", "A red buoy"),
            ),
            (
                (f"{HOST}/a/nets.jpg", "Nets hung up to dry"),
                (f"{HOST}/photos/crab-pots.jpg", "Crab pots stacked on the quay"),
                (f"{HOST}/photos/rope%20coil.jpg", "A coil of tarred rope"),
                (f"{HOST}/photos/anchor.jpg", "An anchor half buried in sand"),
                ("http://photos/buoy.jpg", "A red buoy"),
            ),
        ),
        _case(
            "fragments",
            "a fragment is no part of an image's address",
            (
                Image("/photos/tide.jpg#large", "Low tide at the old pier"),
                Image("/photos/tide.jpg#small", "Low tide at the old pier"),
                Image("/photos/tide.jpg", "The same pier in winter"),
            ),
            (
                (f"{HOST}/photos/tide.jpg", "Low tide at the old pier"),
                (f"{HOST}/photos/tide.jpg", "The same pier in winter"),
            ),
        ),
        _case(
            "international-addresses",
            "hosts become Punycode, paths and queries percent-encoded UTF-8",
            (
                Image("https://bücher.example/straße.jpg", "Eine Straße voller Buchläden"),
                Image("https://例え.example/画像/猫.jpg", "窓辺で眠る三毛猫"),
                Image("/фото/лиса.jpg?размер=большой", "Лиса переходит дорогу"),
                Image("/photos/caf%C3%A9.jpg", "Un café en terrasse"),
            ),
            (
                (
                    "https://xn--bcher-kva.example/stra%C3%9Fe.jpg",
                    "Eine Straße voller Buchläden",
                ),
                (
                    "https://xn--r8jz45g.example/%E7%94%BB%E5%83%8F/%E7%8C%AB.jpg",
                    "窓辺で眠る三毛猫",
                ),
                (
                    f"{HOST}/%D1%84%D0%BE%D1%82%D0%BE/%D0%BB%D0%B8%D1%81%D0%B0.jpg"
                    "?%D1%80%D0%B0%D0%B7%D0%BC%D0%B5%D1%80"
                    "=%D0%B1%D0%BE%D0%BB%D1%8C%D1%88%D0%BE%D0%B9",
                    "Лиса переходит дорогу",
                ),
                (f"{HOST}/photos/caf%C3%A9.jpg", "Un café en terrasse"),
            ),
        ),
    ]


def _bases() -> list[EdgeCase]:
    images = (
        Image("kiln.jpg", "A potter opening the kiln"),
        Image("/glaze.jpg", "Glaze tests on broken tiles"),
        Image("https://other.example/wheel.jpg", "A kick wheel from 1920"),
    )
    absolute = ("https://other.example/wheel.jpg", "A kick wheel from 1920")
    return [
        _case(
            "base",
            "<base> takes the page's place",
            images,
            (
                ("https://cdn.odd.example/v2/kiln.jpg", "A potter opening the kiln"),
                ("https://cdn.odd.example/glaze.jpg", "Glaze tests on broken tiles"),
                absolute,
            ),
            base="https://cdn.odd.example/v2/",
        ),
        _case(
            "relative-base",
            "<base> is itself relative to the page",
            images,
            (
                (f"{HOST}/shared/kiln.jpg", "A potter opening the kiln"),
                (f"{HOST}/glaze.jpg", "Glaze tests on broken tiles"),
                absolute,
            ),
            base="../../shared/",
        ),
        _case(
            "unparsable-base",
            "a <base> that is no address is as good as none",
            images,
            (
                (f"{HOST}/deep/er/kiln.jpg", "A potter opening the kiln"),
                (f"{HOST}/glaze.jpg", "Glaze tests on broken tiles"),
                absolute,
            ),
            base="http://[broken/",
        ),
    ]


def _unusable_addresses() -> list[EdgeCase]:
    kept = Image("/photos/kept.jpg", "The only picture with an address")
    pairs = ((f"{HOST}/photos/kept.jpg", "The only picture with an address"),)
    return [
        _case(
            "data-urls",
            "pictures inside the page; a WAT holds no more than their media type",
            (
                Image(PIXEL, "A placeholder until the picture is loaded"),
                Image("data:image/svg+xml,%3Csvg/%3E", "An arrow drawn in the page"),
                kept,
            ),
            pairs,
        ),
        _case(
            "other-schemes",
            "addresses that no downloader can fetch",
            (
                Image("blob:https://odd.example/9f6b", "A picture in the browser's memory"),
                Image("file:///C:/Users/me/holiday.jpg", "A picture on somebody's disk"),
                Image("javascript:void(0)", "A script in place of a picture"),
                Image("about:blank", "Nothing at all"),
                Image("ftp://odd.example/old.jpg", "A picture on a file server"),
                kept,
            ),
            pairs,
        ),
        _case(
            "no-address",
            "empty and unparsable addresses",
            (
                Image("", "An image whose address is empty"),
                Image("http://[bad/host.jpg", "A bracket without its partner"),
                Image("https://", "A scheme and no host"),
                Image("https://odd.example:99999/port.jpg", "A port that can't be"),
                Image("http://ho st.example/space.jpg", "A space in the host's name"),
                kept,
            ),
            pairs,
        ),
    ]


def _texts() -> list[EdgeCase]:
    bench = f"{HOST}/photos/bench.jpg"
    return [
        _case(
            "repeated-image",
            "the same picture with the same text, three times on a page",
            (
                Image("/photos/bench.jpg", "A bench overlooking the valley"),
                Image("/photos/bench.jpg", "A bench overlooking the valley"),
                Image(bench, "A bench overlooking the valley"),
            ),
            ((bench, "A bench overlooking the valley"),),
        ),
        _case(
            "one-image-many-texts",
            "every text of a picture is a pair of its own",
            (
                Image("/photos/bench.jpg", "A bench overlooking the valley"),
                Image("/photos/bench.jpg", "Where the walk to the chapel begins"),
                Image("/photos/bench.jpg", "bench", "Oak bench, 2019"),
                Image("/photos/bench.jpg", title="Click to enlarge"),
            ),
            (
                (bench, "A bench overlooking the valley"),
                (bench, "Where the walk to the chapel begins"),
                (bench, "bench"),
                (bench, "Oak bench, 2019"),
                (bench, "Click to enlarge"),
            ),
        ),
        _case(
            "equal-alt-and-title",
            "equal texts of a link are one pair, from alt; so are texts that differ by outer space",
            (
                Image("/photos/well.jpg", "The village well", "The village well"),
                Image("/photos/mill.jpg", "The water mill", "  The water mill\n"),
            ),
            (
                (f"{HOST}/photos/well.jpg", "The village well"),
                (f"{HOST}/photos/mill.jpg", "The water mill"),
            ),
        ),
        _case(
            "no-text",
            "missing, empty and blank texts give no pair",
            (
                Image("/photos/a.jpg"),
                Image("/photos/b.jpg", ""),
                Image("/photos/c.jpg", " \t\n "),
                Image("/photos/d.jpg", "", ""),
                Image("/photos/e.jpg", "  ", "But this one has a title"),
                Image(""),
            ),
            ((f"{HOST}/photos/e.jpg", "But this one has a title"),),
        ),
        _case(
            "white-space",
            "line ends and tabs become spaces, one for one; the ends are stripped",
            (
                Image("/photos/a.jpg", "Ferns\nand moss\tunder\r\nthe oaks"),
                Image("/photos/b.jpg", "\n\t  A footpath sign  \r\n"),
            ),
            (
                (f"{HOST}/photos/a.jpg", "Ferns and moss under  the oaks"),
                (f"{HOST}/photos/b.jpg", "A footpath sign"),
            ),
        ),
        _case(
            "characters",
            "characters that need escapes in JSON or HTML, or more than 16 bits",
            (
                Image("/photos/a.jpg", "Fish & chips <b>\"today\"</b> at O'Brien's"),
                Image("/photos/b.jpg", "How to write &amp;eacute; in a page"),
                Image("/photos/c.jpg", "A fox 🦊 and an astronaut 👩\u200d🚀 in the snow"),
                Image("/photos/d.jpg", "C:\\photos\\new and 1/2 cup of flour"),
                Image("/photos/e.jpg", "مدخل السوق \u200fوالبوابة القديمة"),
                Image("/photos/f.jpg", "Cafe\u0301 with a combining accent"),
            ),
            (
                (f"{HOST}/photos/a.jpg", "Fish & chips <b>\"today\"</b> at O'Brien's"),
                (f"{HOST}/photos/b.jpg", "How to write &amp;eacute; in a page"),
                (f"{HOST}/photos/c.jpg", "A fox 🦊 and an astronaut 👩\u200d🚀 in the snow"),
                (f"{HOST}/photos/d.jpg", "C:\\photos\\new and 1/2 cup of flour"),
                (f"{HOST}/photos/e.jpg", "مدخل السوق \u200fوالبوابة القديمة"),
                (f"{HOST}/photos/f.jpg", "Cafe\u0301 with a combining accent"),
            ),
        ),
        _case(
            "lone-surrogate",
            "half an emoji, cut by a site that counts UTF-16 units, is U+FFFD",
            (
                Image("/photos/a.jpg", f"A bear asleep in the new enclosure {LONE_SURROGATE}..."),
                Image("/photos/b.jpg", "A bear awake"),
            ),
            (
                (f"{HOST}/photos/a.jpg", "A bear asleep in the new enclosure \ufffd..."),
                (f"{HOST}/photos/b.jpg", "A bear awake"),
            ),
        ),
        _case(
            "long-text",
            "a whole article as an alternative text",
            (Image("/photos/a.jpg", " ".join(["The river rose again during the night."] * 150)),),
            (
                (
                    f"{HOST}/photos/a.jpg",
                    " ".join(["The river rose again during the night."] * 150),
                ),
            ),
        ),
    ]


def _opt_outs() -> list[EdgeCase]:
    images = (
        Image("/photos/study.jpg", "A study for a mural, not for training"),
        Image("/photos/mural.jpg", "The finished mural on the school wall"),
    )
    pairs = tuple((HOST + image.src, image.alt or "") for image in images)
    reserved = "the page reserves its pictures: "
    return [
        _case(
            "robots-noai",
            reserved + "robots meta",
            images,
            (),
            metas=(("robots", "noai, noimageai"),),
        ),
        _case(
            "robots-noimageai",
            reserved + "robots meta, images only, any case",
            images,
            (),
            metas=(("ROBOTS", "index,follow,NoImageAI"),),
        ),
        _case(
            "header-noai",
            reserved + "X-Robots-Tag header",
            images,
            (),
            headers=(("X-Robots-Tag", "noai"),),
        ),
        _case(
            "header-noimageai",
            reserved + "X-Robots-Tag header in lower case",
            images,
            (),
            headers=(("x-robots-tag", "noindex, noimageai"),),
        ),
        _case(
            "tdm-header",
            reserved + "text and data mining reservation in a header",
            images,
            (),
            headers=(("tdm-reservation", "1"),),
        ),
        _case(
            "tdm-meta",
            reserved + "text and data mining reservation in a meta",
            images,
            (),
            metas=(("tdm-reservation", "1"),),
        ),
        _case(
            "other-robots",
            "words about indexing, and a reservation of 0, are no opt-out",
            images,
            pairs,
            metas=(("robots", "noindex, nofollow, noarchive"), ("tdm-reservation", "0")),
            headers=(("X-Robots-Tag", "noindex"),),
        ),
    ]


def _empty() -> list[EdgeCase]:
    return [
        _case("no-images", "a page of text", (), ()),
        EdgeCase(
            "nothing",
            "a page without head, images or links",
            Page(url=f"{HOST}/nothing", title=""),
            (),
        ),
    ]
