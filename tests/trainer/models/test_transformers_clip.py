"""Models and tokenizers of the kinds that come from a hub: here from folders, random and small."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.evaluate import command
from metaclip_curate.trainer.models import transformers_clip
from tests.support import made_shards, trainings

_WORDS = ["<s>", "<pad>", "</s>", "<unk>", *(f"word{number}" for number in range(60))]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with XLM-V's special tokens."""
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    folder = tmp_path_factory.mktemp("tokenizer")
    fast.save_pretrained(folder)
    return folder


def test_training_with_a_hubs_tokenizer(tokenizer: Path, tmp_path: Path) -> None:
    # As open_clip's configurations of MetaCLIP 2, but for the sizes.
    worldwide = open_clip.get_model_config("ViT-H-14-worldwide-quickgelu")
    assert worldwide is not None
    small = {"width": 32, "layers": 1}
    worldwide |= {"embed_dim": 16}
    worldwide["vision_cfg"] |= small | {"image_size": 32, "patch_size": 16, "head_width": 16}
    worldwide["text_cfg"] |= small | {"heads": 2, "vocab_size": 64, "hf_tokenizer_name": str(tokenizer)}
    (tmp_path / "small-worldwide.json").write_text(json.dumps(worldwide))
    pairs = [(made_shards.png((number, 9, 9)), "en", f"word{number} word1") for number in range(16)]
    made_shards.write_pairs(tmp_path / "shards", pairs)
    trainings.train(tmp_path / "shards", tmp_path / "out", model=str(tmp_path / "small-worldwide.json"))
    assert len(trainings.metrics(tmp_path / "out")) == 2
    newest = str(trainings.newest_checkpoint(tmp_path / "out"))
    model = open_clip.create_model("small-worldwide", pretrained=newest)
    exported = open_clip.create_model(f"local-dir:{tmp_path / 'out'}")
    # The tokenizer travels with the model.
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'out'}")(["word3 word4", "word5"])
    assert tokens[:, :4].tolist() == [[0, 7, 8, 2], [0, 9, 2, 1]]
    with torch.no_grad():
        features = model.encode_text(tokens)
        assert torch.equal(exported.encode_text(tokens), features)
        assert not torch.allclose(features[0], features[1])


def test_a_model_of_transformers(tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = small | {"vocab_size": 64, "max_position_embeddings": 16, "bos_token_id": 0, "pad_token_id": 1}
    config = transformers.MetaClip2Config(
        text_config=text | {"eos_token_id": 2},
        vision_config=small | {"image_size": 32, "patch_size": 16},
        projection_dim=16,
    )
    folder = tmp_path / "model"
    transformers.MetaClip2Model(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    transformers.CLIPImageProcessor(**sizes).save_pretrained(folder)

    made = transformers_clip.create(f"transformers:{folder}")
    tokens = made.tokenizer(["word3 word4", "word5"])
    assert tokens.shape == (2, 16)
    with torch.no_grad():
        features = made.model.encode_text(tokens, normalize=True)
        # Padding makes no difference.
        assert torch.allclose(made.model.encode_text(tokens[1:, :3], normalize=True), features[1:], atol=1e-6)
        assert torch.equal(made.model(text=tokens)["text_features"], features)
    assert torch.allclose(features.norm(dim=1), torch.ones(2))

    for name, colour in (("word3", (200, 0, 0)), ("word4", (0, 0, 200))):
        (tmp_path / "images" / name).mkdir(parents=True)
        made_shards.picture_of(colour, 40).save(tmp_path / "images" / name / "0.png")
    (tmp_path / "classes.json").write_text(json.dumps({"en": {"word3": "word3", "word4": "word4"}}))
    places = ("--model", f"transformers:{folder}", "--images", str(tmp_path / "images"), "--workers", "0")
    assert command.main([*places, "--classes", str(tmp_path / "classes.json")]) == 0
    assert "classification  en        top-5    100.0%     100.0%        2           2" in capsys.readouterr().out


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="transformers can't load"):
        transformers_clip.create(f"transformers:{tmp_path}")
