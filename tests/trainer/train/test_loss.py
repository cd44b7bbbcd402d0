"""Models whose loss is another one are refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import open_clip
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.loss import check_loss
from tests.support import trainings

_SMALL = {"width": 32, "layers": 1}
_VISION = _SMALL | {"image_size": 32, "patch_size": 16, "head_width": 16}
_TEXT = _SMALL | {"heads": 2, "vocab_size": 49408, "context_length": 32}


@pytest.fixture
def biased(tmp_path: Path) -> str:
    """A configuration of a model with a logit bias."""
    path = tmp_path / "biased.json"
    config = {"embed_dim": 16, "vision_cfg": _VISION, "text_cfg": _TEXT, "init_logit_bias": -10}
    path.write_text(json.dumps(config))
    return str(path)


def test_a_model_with_a_bias_needs_siglips_loss(biased: str) -> None:
    model = clip.create(biased).model
    with pytest.raises(UserError, match="biased has a logit bias, which only SigLIP's loss trains: give --loss siglip"):
        check_loss(model, "biased", "clip")
    check_loss(model, "biased", "siglip")


def test_a_model_without_a_bias_gets_one() -> None:
    with pytest.raises(UserError, match="has no logit bias"):
        check_loss(clip.create("metaclip-curate-tiny").model, "tiny", "siglip")
    model = clip.create("metaclip-curate-tiny", logit_bias=True).model
    check_loss(model, "tiny", "siglip")
    assert float(model.logit_bias) == -10
    assert float(model.logit_scale) == pytest.approx(math.log(10))


def test_a_captioner_is_refused() -> None:
    small = {"embed_dim": 16, "vision_cfg": _VISION | {"attentional_pool": True, "attn_pooler_heads": 2}}
    multimodal = _TEXT | {"dim_head": 16, "n_queries": 4, "attn_pooler_heads": 2}
    coca = open_clip.CoCa(**small, text_cfg=_TEXT | {"embed_cls": True}, multimodal_cfg=multimodal)
    with pytest.raises(UserError, match="coca is a CoCa, which needs another loss"):
        check_loss(coca, "coca", "clip")


def test_a_training_checks_its_model(biased: str, tmp_path: Path) -> None:
    trainings.write_colourful_shards(tmp_path / "shards", [16])
    with pytest.raises(UserError, match="give --loss siglip"):
        trainings.train(tmp_path / "shards", tmp_path / "out", model=biased)


def test_siglip_learns_and_is_exported_with_its_bias(tmp_path: Path) -> None:
    trainings.write_colourful_shards(tmp_path / "shards", [40])
    trainings.train(tmp_path / "shards", tmp_path / "out", loss="siglip", pairs_seen=8 * 60)
    losses = [line["loss"] for line in trainings.metrics(tmp_path / "out")]
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    exported = open_clip.create_model(f"local-dir:{tmp_path / 'out'}")
    assert float(exported.logit_bias) == float(trainings.weights(tmp_path / "out")["logit_bias"])
