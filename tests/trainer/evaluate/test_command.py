"""Classification and retrieval: ranks by hand, and the command on pictures that a tiny model has learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.evaluate import command
from metaclip_curate.trainer.evaluate.files import read_class_names, read_templates, templates_of
from metaclip_curate.trainer.evaluate.zero_shot import Ranks, class_ranks, image_ranks, text_ranks
from tests.support import made_shards, trainings

_HUES = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
_NAMES = {"en": {name: name for name in _HUES}, "de": {"red": "rot", "green": "grün"}}


def test_ranks() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    texts = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [1.0, 0.0]])
    own = torch.tensor([0, 2, 2, 1])
    # Similarities to the images: 1 0 .6 | 0 1 .8 | .8 .6 .96 | 1 0 .6
    assert text_ranks(images, texts, own).worst.tolist() == [0, 1, 0, 2]
    assert text_ranks(images, texts, own).best.tolist() == [0, 1, 0, 2]
    # Of the images to the texts: 1 0 .8 1 | 0 1 .6 0 | .6 .8 .96 .6; the first image's own text ties with the last.
    found = image_ranks(images, texts, own)
    assert (found.worst.tolist(), found.best.tolist()) == ([1, 3, 0], [0, 2, 0])
    assert list(Ranks(torch.tensor([1, 3, 0]), torch.tensor([0, 1, 0])).recall_at(1)) == pytest.approx([1 / 3, 2 / 3])
    assert class_ranks(images, texts[:2].T, torch.tensor([0, 1, 0])).worst.tolist() == [0, 0, 1]


def test_a_model_that_sees_no_difference_finds_nothing_or_all() -> None:
    same = torch.ones(5, 2)
    for ranks in (text_ranks(same, same, torch.arange(5)), image_ranks(same, same, torch.arange(5))):
        assert ranks.worst.tolist() == [4] * 5
        assert ranks.best.tolist() == [0] * 5
        assert ranks.recall_at(1) == (0, 1)


def test_retrieval_among_more_than_are_compared_at_a_time() -> None:
    features = torch.nn.functional.normalize(torch.randn(2500, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    own = torch.randperm(2500, generator=torch.Generator().manual_seed(1))
    assert text_ranks(features, features[own], own).worst.sum() == 0
    assert image_ranks(features, features[own], own).worst.sum() == 0


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colours with their names in two languages, as folders of images, as files to evaluate, and as a trained model."""
    root = tmp_path_factory.mktemp("learned")
    pairs, rows = [], [("file", "language", "text")]
    for place in range(4):
        for name, colour in _HUES.items():
            shade = tuple(min(255, part + 8 * place) for part in colour)
            file = root / "images" / name / f"{place}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            picture = made_shards.picture_of((shade[0], shade[1], shade[2]))
            picture.save(file)
            for language, names in _NAMES.items():
                if name in names:
                    pairs.append((file.read_bytes(), language, names[name]))
                    if place == 0:
                        rows.append((f"{name}/{place}.png", language, names[name]))
    (root / "images" / "red" / "broken.jpg").write_bytes(b"no image")
    (root / "classes.json").write_text(json.dumps(_NAMES))
    (root / "templates.json").write_text(json.dumps({"en": ["{}"]}))
    (root / "captions.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8")
    made_shards.write_pairs(root / "shards", pairs)
    trainings.train(root / "shards", root / "out", batch_size=10, pairs_seen=10 * 80, weight_decay=0.0, log_every=20)
    return root


def run(root: Path, *arguments: str) -> list[dict[str, Any]]:
    output = root / "results.json"
    places = ("--model", f"local-dir:{root / 'out'}", "--images", str(root / "images"), "--output", str(output))
    assert command.main([*places, "--workers", "0", *arguments]) == 0
    results: list[dict[str, Any]] = json.loads(output.read_text("utf-8"))
    return results


def test_classification(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = run(learned, "--classes", str(learned / "classes.json"), "--templates", str(learned / "templates.json"))
    found = {(one["language"], one["measure"]): one for one in results}
    assert set(found) == {(language, measure) for language in ("de", "en") for measure in ("top-1", "top-5")}
    assert (found["en", "top-1"]["queries"], found["en", "top-1"]["candidates"]) == (12, 3)
    # Blue has no German name: its pictures aren't asked for.
    assert (found["de", "top-1"]["queries"], found["de", "top-1"]["candidates"]) == (8, 2)
    assert found["en", "top-1"]["value"] >= 0.9
    assert found["de", "top-1"]["value"] >= 0.9
    printed = capsys.readouterr()
    assert "1 of 13 images couldn't be used" in printed.err
    assert "classification  de        top-1" in printed.out


def test_retrieval(learned: Path) -> None:
    results = run(learned, "--captions", str(learned / "captions.tsv"), "--languages", "en")
    found = {(one["task"], one["measure"]): one for one in results}
    assert {one["language"] for one in results} == {"en"}
    for task in ("text to image", "image to text"):
        assert found[task, "recall@1"]["value"] == 1
        assert found[task, "recall@1"]["candidates"] == 3


def test_a_checkpoint_and_a_table_of_names(learned: Path) -> None:
    table = learned / "classes.tsv"
    table.write_text("class\tlanguage\tname\nred\ten\tred\ngreen\ten\tgreen\n")
    newest = str(trainings.newest_checkpoint(learned / "out"))
    results = run(learned, "--model", "metaclip-curate-tiny", "--pretrained", newest, "--classes", str(table))
    assert (results[0]["queries"], results[0]["candidates"]) == (8, 2)


def test_mistakes(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error_of(*arguments: str) -> str:
        places = ("--model", "metaclip-curate-tiny", "--images", str(learned / "images"), "--workers", "0")
        assert command.main([*places, *arguments]) == 2
        return capsys.readouterr().err

    bad = learned / "bad.tsv"
    bad.write_text("file\tlanguage\ttext\nred/0.png\ten\n")
    assert "give --classes" in error_of()
    assert "line 2 of" in error_of("--captions", str(bad))
    bad.write_text("file\tlanguage\ttext\nnowhere.png\ten\tred\n")
    assert "there is no image" in error_of("--captions", str(bad))
    bad = learned / "bad.json"
    bad.write_text('{"en": ["a photo"]}')
    error = error_of("--classes", str(learned / "classes.json"), "--templates", str(bad))
    assert "a list of texts with {} for each language" in error
    assert "there are de, en" in error_of("--classes", str(learned / "classes.json"), "--languages", "fr")


def test_templates_by_default() -> None:
    assert len(templates_of(read_templates("openai"), "en")) == 80
    assert len(templates_of(read_templates("simple"), "en")) == 7
    assert len(templates_of({}, "en")) == 80
    assert templates_of({}, "sw") == ("{}",)


def test_the_names_of_imagenet() -> None:
    folders = [f"n{number:08d}" for number in range(1000)]
    names = read_class_names("imagenet", folders)["en"]
    assert (names["n00000000"], names["n00000999"]) == ("tench", "toilet paper")
    with pytest.raises(UserError, match="has 3 folders, and ImageNet 1,000 classes"):
        read_class_names("imagenet", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        *((f"ViT-{size}-quickgelu", "metaclip_400m") for size in ("B-32", "B-16", "L-14")),
        *((f"ViT-{size}-quickgelu", "metaclip_fullcc") for size in ("B-32", "B-16", "L-14", "H-14", "bigG-14")),
        ("ViT-H-14-worldwide-quickgelu", "metaclip2_worldwide"),
        ("ViT-H-14-worldwide-378", "metaclip2_worldwide"),
        ("ViT-bigG-14-worldwide", "metaclip2_worldwide"),
        ("ViT-bigG-14-worldwide-378", "metaclip2_worldwide"),
    ],
)
def test_open_clip_knows_the_released_weights(model: str, weights: str) -> None:
    assert model in open_clip.list_models()
    assert open_clip.pretrained.is_pretrained_cfg(model, weights)
