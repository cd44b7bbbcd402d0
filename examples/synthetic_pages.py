"""An endless sequence of pages whose links have the statistics of real ones.

The shares were counted on real pages; `benchmarks/synthetic_wat.py` has the comparison. Page n of a
seed is a hash of (seed, n) and doesn't depend on the pages before it.
"""

import itertools
from collections.abc import Iterator

from examples.hashed_draws import hashed_fractions, log_normal
from examples.page import Anchor, Image, Page
from examples.word_river import River, Words, read_words

MOST_IMAGES = 600  # on a page; the largest real page has 522
# Parts of a page with independent random numbers.
HEAD, IMAGES, ANCHORS = range(3)


def synthetic_pages(seed: int = 0) -> Iterator[Page]:
    """Yields pages 0, 1, 2, without end."""
    words = read_words()
    for number in itertools.count():
        yield synthetic_page(words, seed, number)


def synthetic_page(words: Words, seed: int, number: int) -> Page:
    """Returns page `number` of a seed, about 22 KB of JSON in a WAT."""
    u = hashed_fractions(16, seed, number, HEAD)
    language = int(words.shares.searchsorted(u[0], side="right"))
    river = words.rivers[language]
    # About 14 words of four lengths and 500 numbers: some sites have many pages, most have few.
    site, folder, slug, style, script = words.slugs.cut(u[1:6] ** 2, 10 + 30 * u[6:11])
    host = f"www.{site[:14].rstrip('-')}{int(500 * u[1])}.example"
    title, description, keywords = river.cut(u[11:14], 50 + 150 * u[11:14])
    images = int(log_normal(14, 0.85, u[14:15], u[15:16])[0])
    return Page(
        url=f"https://{host}/{folder}/{slug}-{number}.html",
        title=title,
        images=_images(words, language, (seed, number), host, min(images, MOST_IMAGES)),
        links=_anchors(words.slugs, river, (seed, number), host),
        metas=(
            ("viewport", "width=device-width, initial-scale=1"),
            ("robots", "index, follow, max-image-preview:large"),
            ("description", description),
            ("keywords", keywords),
            ("generator", f"{style} {int(100 * u[7])}"),
            ("og:title", title),
            ("og:description", description),
            ("og:image", f"https://{host}/{folder}/{slug}.jpg"),
            ("twitter:card", "summary_large_image"),
            ("twitter:title", title),
            ("twitter:description", description),
        ),
        headers=(("Server", "nginx"), ("Cache-Control", "max-age=600")),
        lang=words.codes[language],
        stylesheets=tuple(
            f"https://{host}/content/plugins/{style}-{part}/assets/css/front.min.css?ver=6.{part}" for part in range(12)
        ),
        scripts=tuple(f"https://{host}/includes/js/{script}/front-{part}.min.js?ver=3.7.{part}" for part in range(8)),
    )


def _images(words: Words, language: int, page: tuple[int, int], host: str, count: int) -> tuple[Image, ...]:
    u = hashed_fractions(8 * count, *page, IMAGES).reshape(8, count)
    texts = words.rivers[language].cut(u[0], log_normal(21.2, 1.08, u[1], u[2]))
    slugs = words.slugs.cut(u[3], 45 * u[1])
    draws = u[4:8].T.tolist()
    noise = words.noise[language]
    images: list[Image] = []
    for text, slug, (kind, source, attributes, again) in zip(texts, slugs, draws, strict=True):
        if images and again < 0.27:  # teasers, galleries and thumbnails repeat an image
            images.append(images[int(len(images) * again / 0.27)])
            continue
        if kind < 0.16:
            alt = noise[int(len(noise) * (kind / 0.16) ** 2)]
        else:  # one in four has a product number, a date or a count
            alt = f"{text} {int(1e5 * kind)}" if kind > 0.75 else text
        src = _image_source(host, slug, source, int(0xFFFFFF * attributes))
        images.append(_with_attributes(src, alt, attributes))
    return tuple(images)


def _image_source(host: str, slug: str, way: float, name: int) -> str:
    """Returns an image's URL: 40 % are relative, 5 % can't be fetched."""
    path = f"/uploads/20{name % 16 + 10}/{name % 12 + 1:02}/{slug}-{name:06x}.jpg"
    if way < 0.54:
        return f"https://cdn{name % 4}.{host}{path}"
    if way < 0.83:
        return path
    if way < 0.91:
        return f"../{slug}-{name:06x}.jpg"
    if way < 0.945:
        return f"//{host}{path}"
    return "data:image/svg+xml," if way < 0.994 else ""


def _with_attributes(src: str, text: str, share: float) -> Image:
    """Returns a link's alt and title; 32 % of the links have no text."""
    if share < 0.12:
        return Image(src)
    if share < 0.32:
        return Image(src, "")
    if share < 0.41:
        return Image(src, text, text)
    if share < 0.44:
        return Image(src, text, f"{text}: {share:.6f}")
    return Image(src, title=text) if share < 0.46 else Image(src, text)


def _anchors(slugs: River, river: River, page: tuple[int, int], host: str) -> tuple[Anchor, ...]:
    size = hashed_fractions(2, *page, ANCHORS)
    count = int(log_normal(91, 0.6, size[:1], size[1:])[0])
    u = hashed_fractions(5 * count, *page, ANCHORS, 1).reshape(5, count)
    paths = slugs.cut(u[0], 45 * u[1])
    texts = river.cut(u[2], log_normal(7, 0.9, u[3], u[4]))
    return tuple(
        Anchor(
            f"https://{host}/{path}/" if kind < 0.55 else f"/{path}/{int(1e4 * kind)}",
            text if kind > 0.83 else None,
            text,
        )
        for path, text, kind in zip(paths, texts, u[4].tolist(), strict=True)
    )
