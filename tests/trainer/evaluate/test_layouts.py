"""Test sets in their published layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.evaluate.files import read_captions, read_class_names


def test_xm3600(tmp_path: Path) -> None:
    def of_language(*captions: str) -> dict[str, list[str]]:
        tokenized = [caption.replace(",", " ,") for caption in captions]
        lowercase = [caption.lower() for caption in tokenized]
        return {
            "caption": list(captions),
            "caption/tokenized": tokenized,
            "caption/tokenized/lowercase": lowercase,
        }

    rows = [
        {
            "image/key": f"{key:016x}",
            "image/locale": "quz",
            # The file has characters as they are, and one of them ends a line for `str.splitlines`.
            "de": of_language(f"Bild {key},\u2028groß", f"Foto {key}"),
            "quz": of_language(f"wasi {key}"),
        }
        for key in (1, 2)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "captions.jsonl").write_text(lines, "utf-8")
    found = read_captions(str(tmp_path))
    assert found["quz"] == [("0000000000000001.jpg", "wasi 1"), ("0000000000000002.jpg", "wasi 2")]
    assert [text for _, text in found["de"]] == ["Bild 1,\u2028groß", "Foto 1", "Bild 2,\u2028groß", "Foto 2"]
    (tmp_path / "captions.jsonl").write_text('{"key": 1}\n')
    with pytest.raises(UserError, match=r"line 1 of .*captions\.jsonl isn't a row of XM3600"):
        read_captions(str(tmp_path))


@pytest.mark.parametrize("index", ["test_image_names.txt", "filenames.txt"])  # XTD200 and Flickr30k-200
def test_lines_of_names_and_captions(tmp_path: Path, index: str) -> None:
    (tmp_path / index).write_text("COCO_train2014_000000000009.jpg\n2.jpg\n")
    (tmp_path / "jpn_Jpan.txt").write_text("猫\n犬\x85\n", "utf-8")
    (tmp_path / "kor_Hang.txt").write_text("고양이\n개\n", "utf-8")
    # Flickr30k-200 has this file, too.
    (tmp_path / "eng_captions.txt").write_text("a cat\na dog\n")
    found = read_captions(str(tmp_path))
    assert found["jpn_Jpan"] == [("COCO_train2014_000000000009.jpg", "猫"), ("2.jpg", "犬\x85")]
    assert sorted(found) == ["jpn_Jpan", "kor_Hang"]
    (tmp_path / "kor_Hang.txt").write_text("고양이\n", "utf-8")
    with pytest.raises(UserError, match=rf"has 1 lines, {index} has 2"):
        read_captions(str(tmp_path))


def test_xtd10(tmp_path: Path) -> None:
    for file in (
        "XTD10/test_1kcaptions_ko",
        "MIC/test_1kcaptions_de",
        "MIC/test_1kcaptions_en",
        "STAIR/test_1kcaptions_jp",
    ):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / f"{file}.txt").write_text(f"{file}\nanother\n")
    (tmp_path / "XTD10" / "test_image_names.txt").write_text("COCO_val2014_1.jpg\nCOCO_val2014_2.jpg\n")
    (tmp_path / "README.md").write_text("")
    for given in (tmp_path, tmp_path / "XTD10"):
        found = read_captions(str(given))
        assert sorted(found) == ["de", "en", "jp", "ko"]
        assert found["jp"] == [("COCO_val2014_1.jpg", "STAIR/test_1kcaptions_jp"), ("COCO_val2014_2.jpg", "another")]


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
