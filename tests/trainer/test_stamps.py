"""The stamps' pictures, and what is made of trainings on them."""

from __future__ import annotations

import io
import socket
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from examples.stamps import experiment, pictures
from examples.stamps.collection import Stamp


def made_stamps(folder: Path) -> list[Stamp]:
    stamps = []
    for number, colour in enumerate([(255, 0, 0, 255), (0, 0, 255, 255)]):
        path = folder / f"{number}.png"
        Image.new("RGBA", (200, 100), colour).save(path)
        stamps.append(Stamp(path, {"en": f"Thing {number}."}))
    return stamps


def test_images_differ_and_are_served(tmp_path: Path) -> None:
    stamps = made_stamps(tmp_path)
    images = [pictures.compose(stamps, 0, number, 0) for number in range(4)]
    assert len(set(images)) == 4
    assert pictures.compose(stamps, 0, 0, 0) == images[0] != pictures.compose(stamps, 0, 0, 1)
    decoded = np.asarray(Image.open(io.BytesIO(pictures.compose(stamps, 1, 2, 0)))).astype(int)
    assert decoded.shape == (64, 64, 3)
    assert (decoded[..., 2] - decoded[..., 0] > 60).mean() > 0.1  # blue, whatever the ground is
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pictures.serving(stamps, port, 0), urllib.request.urlopen(f"http://127.0.0.1:{port}/0/3.jpg") as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.read() == images[3]


def test_as_many_pairs_drawn_all_alike(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).random(100)
    uids = [f"{number:032x}" for number in range(100)]
    for run, table in {"everything": {"uid": uids, "draw": draws}, "balanced": {"uid": uids[:30]}}.items():
        (tmp_path / run / "manifest").mkdir(parents=True)
        pq.write_table(pa.table(table), tmp_path / run / "manifest" / "part-00000.parquet")
    assert experiment.write_manifest_as_found(tmp_path) == (30, 100)
    drawn = pq.read_table(tmp_path / "as-found")["uid"].to_pylist()
    assert sorted(drawn) == sorted(uids[place] for place in np.argsort(draws)[:30])


def test_groups_and_means() -> None:
    groups = experiment.groups_of([1, 50, 7, 3, 2, 9, 4, 0, 6, 5])
    assert groups == {"head": {1}, "middle": {5, 2, 8, 9}, "tail": {6, 3, 4, 0, 7}}
    results: list[dict[str, object]] = [
        {
            "kind": kind,
            "seed": seed,
            "language": language,
            "group": group,
            "texts": texts,
            "recall@5": recall + seed / 10,
        }
        for kind, recall in (("balanced", 0.5), ("as found", 0.2))
        for seed in range(3)
        for language in ("en", "de", "fr")
        for group, texts in (("head", 10), ("middle", 0), ("tail", 30))
    ]
    lines = experiment.table_of(results).splitlines()
    assert lines[2].split() == ["English,", "head", "30.0%", "±", "10.0%", "60.0%", "±", "10.0%"]
