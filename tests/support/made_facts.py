"""Facts of a run that never was, for tests of what is made of them."""

from __future__ import annotations

import dataclasses

import numpy as np

from metaclip_curate.report.facts import (
    Curation,
    EntryFact,
    EntryLists,
    EntryTexts,
    Facts,
    LanguageFact,
    PairFacts,
    RejectedReason,
    SampledPair,
    ScreenedFacts,
    TriedT,
)
from metaclip_curate.report.histograms import KeptHistogram
from metaclip_curate.run.funnel import Funnel, Step

# What a page of the web could hold; run, it would ask for something or change the title.
ATTACK = "<script>document.title='taken'</script><img src=https://x.example/1.png onerror=\"document.title='taken'\">"
T = 40


def histogram(entries: int, seed: int) -> KeptHistogram:
    """A skewed histogram: half of the entries without a text, kept texts about min(t, count)."""
    random = np.random.default_rng(seed)
    counts = np.concatenate(
        [np.zeros(entries, dtype=np.int64), (T / 2 / (1 - random.random(entries))).astype(np.int64)]
    )
    values, number = np.unique(counts, return_counts=True)
    return KeptHistogram(values, number.astype(np.int64), np.minimum(values, T + values // 10) * number)


def pair_facts(fate: str) -> PairFacts:
    """Sums over a thousand pairs."""
    sample = tuple(
        SampledPair(f"{place:032x}", f"text {place} {ATTACK}", "en", 0.5, "host.example", fate) for place in range(5)
    )
    hosts = tuple((f"host{place}.example", 100 - place) for place in range(12))
    licenses = {"": 900, "by": 70, "by-sa": 30} if fate != "kept" else {"": 580, "by-sa": 20}
    return PairFacts(1000, {3: 400, 19: 600}, {2: 300, 5: 700}, {"alt": 900, "title": 100}, hosts, 40, sample, licenses)


def made_facts(languages: int = 3, entries: int = 200) -> Facts:
    """Facts of a finished run."""
    names = [f"l{place:03d}" for place in range(languages)]
    histograms = {name: histogram(entries, seed) for seed, name in enumerate(names)}
    tried = tuple(
        TriedT(f"t = {t}", t, dict.fromkeys(names, t), {name: float(t * 10) for name in names}, t == T)
        for t in (10, 20, T, 80, 160)
    )
    some = [EntryFact(name, 3, f"entry {ATTACK}", 500, 60) for name in names]
    lists = EntryLists(tuple(some[:8]), tuple(some[:8]), tuple(some[:8]))
    frequent = {
        each.lang: (
            EntryFact(each.lang, 4, f"frequent in {each.lang}", 700, 90),
            EntryFact(each.lang, 5, "cat", 90, 41),
        )
        for each in some
    }
    return Facts(
        name=f"run {ATTACK}",
        fingerprint="0123456789abcdef",
        funnel=Funnel(
            steps=(
                Step("image_links", "image links", 5000),
                Step("dropped_no_text", "without a caption", 3000, part=True),
                Step("kept", "kept in the manifest", 1000),
            )
        ),
        troubles=((f"file {ATTACK}", "failed", ATTACK),),
        languages=tuple(
            LanguageFact(name, f"Language {place:03d}", 1000 + place, 900, T, 0.06, 400, 200, 1234.5, 800 - place)
            for place, name in enumerate(names)
        ),
        screened=ScreenedFacts(
            pairs=60,
            distinct=1000,
            reasons=(
                RejectedReason("host", "from a listed host", 33, (f"host {ATTACK}",), pair_facts("rejected").sample),
                RejectedReason("host_policy", "from a host whose policy forbids it", 7, (), ()),
                RejectedReason("words", "with a listed word", 20, (), pair_facts("rejected").sample, blurred=True),
            ),
            rules=((f"rule {ATTACK}", 7),),
            languages=(("l000", 50), ("", 10)),
            removed=3,
        ),
        pairs=pair_facts("no match"),
        curation=Curation(
            histograms=histograms,
            tried=tried,
            limits=tried[1:4],
            position_name="t of English",
            matched=pair_facts("not drawn").sample,
            kept=pair_facts("kept"),
            entries={"": lists, **{name: dataclasses.replace(lists, frequent=of) for name, of in frequent.items()}},
            texts=tuple(EntryTexts(each, (f"kept {ATTACK}",) * 20, (f"dropped {ATTACK}",) * 20) for each in some[:30]),
        ),
        provenance={"Options": {"t": "40"}, "Digests": {f"metadata {name}": "0" * 64 for name in names}},
    )
