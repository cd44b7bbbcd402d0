"""Test sets in their published layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.evaluate.files import read_captions, read_class_names


def test_xm3600(tmp_path: Path) -> None:
    rows = [
        {
            "image/key": f"{key:016x}",
            "image/locale": "quz",
            "de": {"caption": [f"Bild {key}", f"Foto {key}"], "caption/tokenized": [["Bild"], ["Foto"]]},
            "quz": {"caption": [f"wasi {key}"], "caption/tokenized": [["wasi"]]},
        }
        for key in (1, 2)
    ]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_captions(str(tmp_path))
    assert found["quz"] == [("0000000000000001.jpg", "wasi 1"), ("0000000000000002.jpg", "wasi 2")]
    assert [text for _, text in found["de"]] == ["Bild 1", "Foto 1", "Bild 2", "Foto 2"]
    (tmp_path / "captions.jsonl").write_text('{"key": 1}\n')
    with pytest.raises(UserError, match=r"line 1 of .*captions\.jsonl isn't a row of XM3600"):
        read_captions(str(tmp_path))


@pytest.mark.parametrize(
    ("index", "captions"),
    [
        ("test_image_names.txt", "test_1kcaptions_{}.txt"),  # XTD10
        ("test_image_names.txt", "{}.txt"),  # XTD200
        ("filenames.txt", "{}.txt"),  # Flickr30k-200
    ],
)
def test_lines_of_names_and_captions(tmp_path: Path, index: str, captions: str) -> None:
    (tmp_path / index).write_text("COCO_train2014_000000000009.jpg\n2.jpg\n")
    (tmp_path / captions.format("jp")).write_text("猫\n犬\n", "utf-8")
    (tmp_path / captions.format("ko")).write_text("고양이\n개\n", "utf-8")
    found = read_captions(str(tmp_path))
    assert found["jp"] == [("COCO_train2014_000000000009.jpg", "猫"), ("2.jpg", "犬")]
    assert sorted(found) == ["jp", "ko"]
    (tmp_path / captions.format("ko")).write_text("고양이\n", "utf-8")
    with pytest.raises(UserError, match=rf"has 1 lines, {index} has 2"):
        read_captions(str(tmp_path))


def test_babel_imagenet(tmp_path: Path) -> None:
    path = tmp_path / "babel_imagenet.json"
    path.write_text(json.dumps({"NE": [[1, 10], ["सुनौलो माछा", "कालोटाउके चित्रकचरी"]], "DE": [[0], ["Schleie"]]}))
    folders = [f"n{number:08d}" for number in range(1000)]
    found = read_class_names(str(path), folders)
    assert found["NE"] == {"n00000001": "सुनौलो माछा", "n00000010": "कालोटाउके चित्रकचरी"}
    assert found["DE"] == {"n00000000": "Schleie"}
    with pytest.raises(UserError, match="has 2 folders, and ImageNet 1,000 classes"):
        read_class_names(str(path), folders[:2])


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has none of captions\.jsonl, filenames\.txt, test_image_names\.txt"):
        read_captions(str(tmp_path))
