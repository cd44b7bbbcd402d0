"""Trainings of a tiny model: going on, parts of a batch, precisions, and what they leave."""

from __future__ import annotations

import copy
import math
import sys
import types
from pathlib import Path
from typing import Any

import open_clip
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.train import Training
from tests.support import made_shards, trainings


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    trainings.write_colourful_shards(folder, [17, 9, 14])
    return folder


def losses(output: Path) -> list[float]:
    return [line["loss"] for line in trainings.metrics(output)]


def test_going_on_is_as_if_it_had_not_stopped(shards: Path, tmp_path: Path) -> None:
    # Five steps an epoch, so that the second start goes on into the second epoch.
    assert trainings.train(shards, tmp_path / "whole", pairs_seen=48)
    assert not trainings.train(shards, tmp_path / "parts", pairs_seen=48, stop_after_steps=3)
    assert trainings.train(shards, tmp_path / "parts", pairs_seen=48)
    assert len(losses(tmp_path / "whole")) == 6
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert [line["epochs"] for line in trainings.metrics(tmp_path / "parts")] == [0.2, 0.4, 0.6, 0.8, 1.0, 1.2]
    assert [line["pairs_seen"] for line in trainings.metrics(tmp_path / "parts")] == [8, 16, 24, 32, 40, 48]
    whole, parts = trainings.weights(tmp_path / "whole"), trainings.weights(tmp_path / "parts")
    assert all(torch.equal(parts[name], value) for name, value in whole.items())
    # Once more: nothing is left to do.
    assert trainings.train(shards, tmp_path / "parts", pairs_seen=48)
    assert len(losses(tmp_path / "parts")) == 6


def test_it_learns(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path, pairs_seen=8 * 60, workers=1)
    found = losses(tmp_path)
    assert sum(found[-5:]) / 5 < 0.6 * sum(found[:5]) / 5
    assert all(0 < line["waiting_for_data"] <= 1 for line in trainings.metrics(tmp_path))


@pytest.mark.parametrize("ways", [{"accumulate": 2}, {"accumulate": 4, "clip_norm": 0.1}, {"grad_checkpointing": True}])
def test_saving_memory_changes_nothing(shards: Path, tmp_path: Path, ways: dict[str, Any]) -> None:
    plain = {name: value for name, value in ways.items() if name == "clip_norm"}
    trainings.train(shards, tmp_path / "plain", pairs_seen=16, **plain)
    trainings.train(shards, tmp_path / "saving", pairs_seen=16, **ways)
    for plain_line, line in zip(
        trainings.metrics(tmp_path / "plain"), trainings.metrics(tmp_path / "saving"), strict=True
    ):
        for name in ("loss", "gradient_norm", "logit_scale"):
            assert line[name] == pytest.approx(plain_line[name], rel=1e-4)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precision(shards: Path, tmp_path: Path, precision: str) -> None:
    trainings.train(shards, tmp_path / "fp32", pairs_seen=24)
    trainings.train(shards, tmp_path / precision, pairs_seen=24, precision=precision)
    assert losses(tmp_path / precision) == pytest.approx(losses(tmp_path / "fp32"), rel=0.05)
    assert losses(tmp_path / precision) != losses(tmp_path / "fp32")
    state = torch.load(trainings.newest_checkpoint(tmp_path / precision), weights_only=True)
    assert bool(state["scaler"]) == (precision == "fp16")
    assert all(value.dtype == torch.float32 for value in state["state_dict"].values() if value.is_floating_point())


def test_open_clip_loads_a_checkpoint_as_it_is(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path, pairs_seen=16)
    checkpoint = trainings.newest_checkpoint(tmp_path)
    clip.known_name("metaclip-curate-tiny")
    model = open_clip.create_model("metaclip-curate-tiny", pretrained=str(checkpoint))
    for name, value in trainings.weights(tmp_path).items():
        assert torch.equal(model.state_dict()[name], value)
    # At its end, the training's folder needs no name.
    exported, _, transform = open_clip.create_model_and_transforms(f"local-dir:{tmp_path}")
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(["a dog", "кошка"])
    assert tokens.shape == (2, 32)
    image = transform(made_shards.picture_of((200, 10, 10)))[None]
    with torch.no_grad():
        assert torch.equal(exported.encode_image(image), model.encode_image(image))
        assert torch.equal(exported.encode_text(tokens), model.encode_text(tokens))


def test_a_training_begins_with_given_weights(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path / "first", pairs_seen=16)
    given = str(trainings.newest_checkpoint(tmp_path / "first"))
    made = Training(trainings.options(shards, tmp_path / "second", pretrained=given), trainings.ALONE)
    before = trainings.weights(tmp_path / "first")
    assert all(torch.equal(before[name], value) for name, value in made._learner.model.state_dict().items())


def test_metrics_of_steps_that_were_lost_are_replaced(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path, pairs_seen=32, stop_after_steps=2, checkpoint_every=1, keep_checkpoints=0)
    checkpoint = trainings.newest_checkpoint(tmp_path)
    assert checkpoint.name == "step-000000002.pt"
    checkpoint.unlink()  # as if it had been killed before it was written
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "lo')
    trainings.train(shards, tmp_path, pairs_seen=32, checkpoint_every=1, keep_checkpoints=2)
    lines = trainings.metrics(tmp_path)
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert [line["pairs_seen"] for line in lines] == [8, 16, 24, 32]
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == [
        "step-000000003.pt",
        "step-000000004.pt",
    ]
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [
        (line["step"], pytest.approx(line["loss"])) for line in lines
    ]


def test_weight_decay_and_the_logit_scale(shards: Path, tmp_path: Path) -> None:
    training = Training(trainings.options(shards, tmp_path, weight_decay=0.3), trainings.ALONE)
    learner = training._learner
    names = {id(parameter): name for name, parameter in learner.model.named_parameters()}
    decay = {
        names[id(one)]: group["weight_decay"] for group in learner.optimizer.param_groups for one in group["params"]
    }
    assert (
        decay["logit_scale"] == decay["ln_final.weight"] == decay["visual.transformer.resblocks.0.mlp.c_fc.bias"] == 0
    )
    assert decay["token_embedding.weight"] == decay["visual.conv1.weight"] == decay["text_projection"] == 0.3
    assert len(decay) == len(names)
    with torch.no_grad():
        learner.model.logit_scale.fill_(9.0)
    training.run()
    assert trainings.metrics(tmp_path)[0]["logit_scale"] == pytest.approx(100)


def break_steps(training: Training, bad: set[int]) -> None:
    """Makes the losses of some steps, counted from 0, NaN."""
    learner = training._learner
    loss = learner._loss
    learner._loss = lambda **features: loss(**features) * (float("nan") if training.step in bad else 1.0)


def test_a_step_whose_loss_is_not_finite_is_skipped(shards: Path, tmp_path: Path) -> None:
    training = Training(trainings.options(shards, tmp_path, pairs_seen=32, checkpoint_every=1), trainings.ALONE)
    break_steps(training, {2})
    kept: list[dict[str, torch.Tensor]] = []
    learn = training._learn

    def learn_and_keep(*given: Any) -> Any:
        result = learn(*given)
        kept.append({name: value.clone() for name, value in training._learner.model.state_dict().items()})
        return result

    training._learn = learn_and_keep  # type: ignore[assignment, method-assign]
    assert training.run()
    assert all(torch.equal(kept[2][name], value) for name, value in kept[1].items())
    assert not all(torch.equal(kept[3][name], value) for name, value in kept[2].items())
    lines = trainings.metrics(tmp_path)
    assert [line["skipped_steps"] for line in lines] == [0, 0, 1, 1]
    assert [line["loss"] is None for line in lines] == [False, False, True, False]
    assert all(value.isfinite().all() for value in trainings.weights(tmp_path).values())


def test_too_many_skipped_steps_end_the_training(shards: Path, tmp_path: Path) -> None:
    given = {"pairs_seen": 80, "checkpoint_every": 2, "max_bad_steps": 3}
    training = Training(trainings.options(shards, tmp_path, **given), trainings.ALONE)
    break_steps(training, set(range(3, 10)))
    with pytest.raises(JobFailedError, match="4 steps in a row weren't finite, more than --max-bad-steps 3"):
        training.run()
    assert training.step == 7
    assert all(value.isfinite().all() for value in trainings.weights(tmp_path).values())
    # The folder isn't locked any more.
    assert trainings.train(shards, tmp_path, **given)


def test_no_checkpoint_of_weights_that_are_not_finite(shards: Path, tmp_path: Path) -> None:
    given = {"pairs_seen": 32, "checkpoint_every": 1, "keep_checkpoints": 1}
    assert not trainings.train(shards, tmp_path, stop_after_steps=2, **given)
    training = Training(trainings.options(shards, tmp_path, **given), trainings.ALONE)
    training._learner.model.visual.proj.data[0, 0] = float("inf")
    with pytest.raises(JobFailedError, match="the weights aren't finite after step 3, so no checkpoint is written"):
        training.run()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000002.pt"]


def test_steps_are_those_of_open_clip_bit_for_bit(shards: Path, tmp_path: Path) -> None:
    training = Training(trainings.options(shards, tmp_path, pairs_seen=48), trainings.ALONE)
    model = copy.deepcopy(training._learner.model)
    decayed = [one for one in model.parameters() if one.ndim >= 2]
    others = [one for one in model.parameters() if one.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": others, "weight_decay": 0.0}, {"params": decayed, "weight_decay": 0.1}],
        betas=(0.9, 0.98),
        eps=1e-6,
    )
    loss_of, losses_of_open_clip = open_clip.ClipLoss(), []
    learn = training._learn

    def learn_both(batch: Any, stop: int) -> Any:
        result = learn(batch, stop)
        for group in optimizer.param_groups:
            group["lr"] = training._learner.optimizer.param_groups[0]["lr"]
        optimizer.zero_grad()
        loss = loss_of(**model(batch.images, batch.tokens))
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        losses_of_open_clip.append(float(loss))
        return result

    training._learn = learn_both  # type: ignore[method-assign]
    training.run()
    assert losses(tmp_path) == losses_of_open_clip
    assert all(torch.equal(model.state_dict()[name], value) for name, value in trainings.weights(tmp_path).items())


def test_a_folder_that_another_job_writes_is_refused(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path, stop_after_steps=1)
    first = Training(trainings.options(shards, tmp_path), trainings.ALONE)
    with first._owner.working():
        first._owner.require()
        with pytest.raises(UserError, match=f"{tmp_path} is being written by"):
            trainings.train(shards, tmp_path)
    # A job that began to wait before the other one saved doesn't overwrite what that has learned.
    trainings.train(shards, tmp_path)
    with pytest.raises(UserError, match="another job has written to"):
        first.run()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("metrics.jsonl", "has metrics.jsonl and no checkpoint to go on from: give another --output"),
        ("open_clip_model.safetensors", "has open_clip_model.safetensors and no checkpoint"),
        ("options.toml", r"options\.toml isn't TOML"),
        ("checkpoints/step-000000001.pt", r"options\.toml is missing beside checkpoints"),
    ],
)
def test_files_of_the_users_own_stay(shards: Path, tmp_path: Path, name: str, message: str) -> None:
    own = tmp_path / "out" / name
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(UserError, match=message):
        trainings.train(shards, tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [own]
    assert own.read_text() == "mine"


def test_a_training_that_died_before_its_first_checkpoint_begins_again(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path, stop_after_steps=1)
    trainings.newest_checkpoint(tmp_path).unlink()
    (tmp_path / "notes.md").write_text("mine")
    trainings.train(shards, tmp_path)
    assert [line["step"] for line in trainings.metrics(tmp_path)] == [1, 2]
    assert (tmp_path / "notes.md").read_text() == "mine"
    # A finished model isn't replaced because its checkpoints are gone.
    trainings.newest_checkpoint(tmp_path).unlink()
    with pytest.raises(UserError, match=r"has open_clip_model\.safetensors and no checkpoint"):
        trainings.train(shards, tmp_path)


def test_a_rank_that_cannot_see_the_checkpoint(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings.train(shards, tmp_path, stop_after_steps=1)
    monkeypatch.setattr(Distributed, "gather", lambda self, value: [value, False])
    with pytest.raises(UserError, match=r"rank 1 can't see .*step-000000001\.pt: give an --output"):
        Training(trainings.options(shards, tmp_path), trainings.ALONE)


def test_evaluation_while_training(tmp_path: Path) -> None:
    trainings.write_colourful_shards(tmp_path / "shards", [40])
    for name, colour in (("red", (220, 20, 20)), ("blue", (20, 20, 220))):
        (tmp_path / "images" / name).mkdir(parents=True)
        made_shards.picture_of(colour).save(tmp_path / "images" / name / "0.png")
    (tmp_path / "classes.json").write_text('{"en": {"red": "red", "blue": "blue"}}')
    given = {"images": str(tmp_path / "images"), "classes": str(tmp_path / "classes.json"), "evaluate_every": 2}
    trainings.train(tmp_path / "shards", tmp_path / "out", pairs_seen=40, ema=0.9, **given)
    lines = trainings.metrics(tmp_path / "out")
    found = {line["step"]: line for line in lines if "classification/en/top-1" in line}
    assert sorted(found) == [2, 4, 5]
    assert {line["classification/en/top-5"] for line in found.values()} == {1.0}
    # Looking changes nothing.
    trainings.train(tmp_path / "shards", tmp_path / "plain", pairs_seen=40, ema=0.9)
    assert losses(tmp_path / "plain") == [line["loss"] for line in lines if "loss" in line]
    # The average at the end is a model, too.
    average = open_clip.create_model(f"local-dir:{tmp_path / 'out' / 'ema'}").state_dict()
    state = torch.load(trainings.newest_checkpoint(tmp_path / "out"), weights_only=True)
    assert all(torch.equal(average[name], value) for name, value in state["ema"].items())
    assert not torch.equal(average["text_projection"], state["state_dict"]["text_projection"])


def test_a_training_goes_on_if_files_of_its_evaluation_are_gone(shards: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "red").mkdir(parents=True)
    (tmp_path / "images" / "red" / "0.png").write_bytes(b"no image")
    (tmp_path / "classes.json").write_text('{"en": {"red": "red"}}')
    given = {"images": str(tmp_path / "images"), "classes": str(tmp_path / "classes.json"), "evaluate_every": 1}
    lines: list[str] = []
    options = trainings.options(shards, tmp_path / "out", **given)
    assert Training(options, trainings.ALONE, lines.append).run()
    assert f"step 2  no evaluation: {tmp_path / 'images'} has no image that can be used: look at the files" in lines
    assert [line["step"] for line in trainings.metrics(tmp_path / "out")] == [1, 2]


def test_files_of_an_evaluation_are_checked_before_the_first_step(shards: Path, tmp_path: Path) -> None:
    (tmp_path / "captions.tsv").write_text("file\tlanguage\ttext\nnowhere.png\ten\tred\n")
    (tmp_path / "classes.json").write_text('{"en": {"red": "red"}}')
    (tmp_path / "pictures" / "green").mkdir(parents=True)
    (tmp_path / "pictures" / "green" / "0.png").write_bytes(made_shards.png((0, 255, 0)))
    classes = {"classes": str(tmp_path / "classes.json")}
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"captions": str(tmp_path / "captions.tsv")}, r"there is no image .*nowhere\.png"),
        (classes | {"templates": str(tmp_path / "none.json")}, "can't be read as JSON"),
        (classes | {"evaluate_languages": ("fr",)}, "no language fr: there are en"),
        (classes, "has no images in folders of classes"),
        (classes | {"images": str(tmp_path / "pictures")}, "names no class of .* in en"),
        ({"benchmarks": ("xtd10",), "benchmark_data": str(tmp_path)}, "has no xtd10/images, which xtd10 needs"),
    ]
    for files, message in mistakes:
        with pytest.raises(UserError, match=message):
            trainings.train(shards, tmp_path / "out", evaluate_every=1, **({"images": str(tmp_path)} | files))
    assert not (tmp_path / "out" / "metrics.jsonl").exists()


def test_the_moving_average_goes_on(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path / "whole", pairs_seen=32, ema=0.7)
    trainings.train(shards, tmp_path / "parts", pairs_seen=32, ema=0.7, stop_after_steps=2)
    trainings.train(shards, tmp_path / "parts", pairs_seen=32, ema=0.7)
    averages = [
        torch.load(trainings.newest_checkpoint(tmp_path / name), weights_only=True)["ema"]
        for name in ("whole", "parts")
    ]
    assert all(torch.equal(averages[1][name], value) for name, value in averages[0].items())


def test_metrics_go_to_wandb(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Run:
        def log(self, values: dict[str, float], step: int) -> None:
            sent.append((step, values["loss"]))

        def finish(self) -> None:
            sent.append("finish")

    def init(**given: Any) -> Run:
        sent.append(given)
        return Run()

    wandb = types.ModuleType("wandb")
    wandb.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    for stop in (1, 0):
        trainings.train(shards, tmp_path, wandb="project", stop_after_steps=stop)
    begun = [one for one in sent if isinstance(one, dict)]
    assert begun[0] == begun[1]
    assert (begun[0]["project"], begun[0]["resume"]) == ("project", "allow")
    assert [one for one in sent if isinstance(one, tuple)] == list(enumerate(losses(tmp_path), 1))
    assert sent.count("finish") == 2
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match="--wandb needs wandb: run `pip install"):
        trainings.train(shards, tmp_path / "other", wandb="project")


def test_pairs_of_a_manifest_that_the_data_lack(shards: Path, tmp_path: Path) -> None:
    numbers = [*range(30), 10**6, 10**6 + 1]
    manifest = tmp_path / "manifest"
    manifest.mkdir()
    pq.write_table(pa.table({"uid": [made_shards.uid_of(number) for number in numbers]}), manifest / "part-0.parquet")
    lines: list[str] = []
    options = trainings.options(shards, tmp_path / "out", pairs_seen=8, manifest=str(manifest))
    Training(options, trainings.ALONE, lines.append).run()
    assert lines[:2] == ["step 0 of 1: 30 pairs an epoch", f"{shards} lacks 2 pairs of {manifest}"]


def test_data_are_looked_at_before_a_model_is_made(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "create", lambda *given, **named: pytest.fail("a model was made"))
    with pytest.raises(UserError, match=r"has no sizes\.json: name a folder"):
        trainings.train(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(UserError, match="multiple of ranks x --accumulate"):
        trainings.train(shards, tmp_path / "out", accumulate=3)


def test_a_warm_up_that_never_ends_is_named(shards: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    options = trainings.options(shards, tmp_path, pairs_seen=8, warmup_pairs=9)
    Training(options, trainings.ALONE, lines.append).run()
    assert "--warmup-pairs 9 is more than --pairs-seen 8: the rate doesn't reach --lr 0.001" in lines


def test_mistakes(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="multiple of ranks x --accumulate, 3, not 8"):
        trainings.train(shards, tmp_path / "a", accumulate=3)
    with pytest.raises(UserError, match="fewer pairs than a batch, 40: lower --batch-size, which is 41"):
        trainings.train(shards, tmp_path / "b", batch_size=41, pairs_seen=82)
    with pytest.raises(UserError, match="has no pairs that --weights leaves: look whether they fit"):
        trainings.train(shards, tmp_path / "w", weights=tuple(f"{language}=0" for language in made_shards.TEXTS))
    trainings.train(shards, tmp_path / "c", pairs_seen=8)
    with pytest.raises(UserError, match=r"options\.toml has --lr 0\.001, not 0\.002: give the same to go on"):
        trainings.train(shards, tmp_path / "c", pairs_seen=8, lr=2e-3)
    with pytest.raises(UserError, match="open_clip knows no model ViT-Z"):
        trainings.train(shards, tmp_path / "d", model="ViT-Z")
    with pytest.raises(UserError, match=r"has no weights nowhere: name a file, or one of open_clip's, openai"):
        clip.create("ViT-B-32-quickgelu", "nowhere")
    with pytest.raises(UserError, match="has no weights nowhere: name a file, since open_clip has none for it"):
        clip.create("metaclip-curate-tiny", "nowhere")
    damaged = tmp_path / "weights.pt"
    damaged.write_bytes(b"PK")
    with pytest.raises(UserError, match=r"weights\.pt has no weights of metaclip-curate-tiny: look at the file"):
        clip.create("metaclip-curate-tiny", str(damaged))
    torch.save({"state_dict": {"visual.proj": torch.zeros(2, 2)}}, damaged)
    with pytest.raises(UserError, match=r"weights\.pt has no weights of metaclip-curate-tiny"):
        clip.create("metaclip-curate-tiny", str(damaged))
    with pytest.raises(UserError, match=r"needs files that can't be read or fetched \(.+\): look at the paths"):
        clip.create(f"local-dir:{tmp_path / 'nowhere'}")
