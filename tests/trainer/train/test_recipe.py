"""The recipes of the package, the precedence of the command line, and mistakes in a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

import open_clip
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import __main__ as command
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.recipe import as_toml, check_same, read_recipe, recipe_names, resolved

_NEEDED = {"data.data": "shards", "output.output": "out"}


def of_recipe(name: str, **given: object) -> TrainOptions:
    values = {key.replace("__", "."): value for key, value in given.items()}
    return resolved(argparse.Namespace(**(_NEEDED | values)), read_recipe(name))


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_name_models_that_open_clip_has(name: str) -> None:
    options = of_recipe(name)
    assert clip.known_name(options.model.model) in open_clip.list_models()
    assert options.optimization.steps * options.optimization.batch_size <= options.optimization.pairs_seen


@pytest.mark.parametrize("name", [name for name in recipe_names() if name.startswith("metaclip")])
def test_the_papers_numbers(name: str) -> None:
    options = of_recipe(name)
    config = open_clip.get_model_config(options.model.model)
    assert config is not None
    optimization = options.optimization
    assert config.get("quick_gelu", False) == (name != "metaclip1-h14-v1.2")
    assert optimization.warmup_pairs == 2000 * optimization.batch_size
    assert options.model.grad_checkpointing == (name != "metaclip1-b32")
    if name == "metaclip1-h14-v1.2":
        assert (optimization.batch_size, optimization.pairs_seen) == (32 * 8 * 512, 32 * 1_600_000_000)
        assert (optimization.lr, optimization.beta2, optimization.weight_decay) == (4e-4, 0.95, 0.1)
    elif name.startswith("metaclip1"):
        assert (optimization.batch_size, optimization.pairs_seen) == (32_768, 12_800_000_000)
        assert optimization.lr == (5e-4 if "-b" in name and "big" not in name else 4e-4)
        assert "hf_tokenizer_name" not in config["text_cfg"]
    else:
        assert optimization.batch_size / 32_768 == pytest.approx(2.3, abs=0.01)
        assert optimization.pairs_seen / 12.8e9 == pytest.approx(2.3, abs=0.01)
        assert config["text_cfg"]["hf_tokenizer_name"] == "facebook/xlm-v-base"
        assert config["text_cfg"]["vocab_size"] == 901_629


def test_siglips_numbers() -> None:
    options = of_recipe("siglip-b16").optimization
    assert (options.loss, options.batch_size, options.lr, options.beta2) == ("siglip", 32_768, 1e-3, 0.95)
    assert (options.warmup_pairs / options.pairs_seen, options.clip_norm) == (0.03, 1.0)
    # A decay that isn't multiplied by the rate, as in big_vision.
    assert options.weight_decay * options.lr == pytest.approx(1e-4)


def test_the_command_line_counts_more(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[data]\nweights = ["sw=2"]\n[optimization]\nlr = 1\nbeta2 = 0.9\n')
    options = of_recipe(str(tmp_path / "mine.toml"), optimization__beta2=0.95)
    assert (options.optimization.lr, options.optimization.beta2, options.optimization.beta1) == (1.0, 0.95, 0.9)
    assert options.data.weights == ("sw=2",)


def test_what_is_written_is_a_recipe(tmp_path: Path) -> None:
    options = of_recipe(
        "tiny", data__data='a "quoted"\\folder\t🐈', data__weights=("sw=2", "en=0.5"), output__log_every=3
    )
    written = tmp_path / "options.toml"
    written.write_text(as_toml(options), "utf-8")
    assert resolved(argparse.Namespace(), read_recipe(str(written))) == options
    # Options that don't change what is learned may differ.
    check_same(of_recipe("tiny", data__data="elsewhere", data__weights=("sw=2", "en=0.5")), written)
    with pytest.raises(UserError, match=r"has --weights \['sw=2', 'en=0.5'\], not \[\]"):
        check_same(of_recipe("tiny"), written)


def test_options_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    written = tmp_path / "options.toml"
    written.write_text(as_toml(of_recipe("tiny", data__streams=32)).replace("streams = 32", "lanes = 32"), "utf-8")
    assert read_recipe(str(written))["data"]["streams"] == 32
    check_same(of_recipe("tiny", data__streams=32), written)
    with pytest.raises(UserError, match="has --streams 32, not 16"):
        check_same(of_recipe("tiny", data__streams=16), written)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[optimization]\nlr = 'fast'", "optimization.lr must be a number, not 'fast'"),
        ("[optimization]\nlearning_rate = 1.0", "optimization.learning_rate, which isn't an option"),
        ("[optimisation]\nlr = 1.0", "has optimisation: options belong into the tables data, model"),
        ("lr = 1.0", "has lr: options belong into the tables data, model"),
        ("[model]\nprecision = 'fp8'", "model.precision must be one of .*, not 'fp8'"),
        ("[model", "isn't TOML"),
    ],
)
def test_mistakes_in_a_recipe(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError, match=message):
        read_recipe(str(tmp_path / "mine.toml"))


def test_mistakes_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error_of(*arguments: str) -> str:
        assert command.main(list(arguments)) == 2
        return capsys.readouterr().err

    places = ("--data", str(tmp_path), "--output", str(tmp_path / "out"))
    assert "no recipe metaclip9: name a TOML file or one of metaclip1-b16," in error_of("--recipe", "metaclip9")
    assert "--data is missing" in error_of("--recipe", "tiny")
    assert "--output is missing" in error_of("--data", str(tmp_path))
    assert "has no sizes.json" in error_of("--recipe", "tiny", *places)
    assert "'sw2': write each as LANGUAGE=NUMBER" in error_of("--recipe", "tiny", *places, "--weights", "sw2")
    assert "--pairs-seen must be at least one batch, 32,768" in error_of(*places, "--pairs-seen", "5")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("optimization__weight_decay", -0.1, "--weight-decay must be a number from 0 up, not -0.1"),
        ("optimization__clip_norm", float("nan"), "--clip-norm must be a number from 0 up, not nan"),
        ("optimization__lr", float("nan"), "--lr must be above 0, not nan"),
        ("optimization__lr", float("inf"), "--lr must be a number, not inf"),
        ("optimization__max_bad_steps", -1, "--max-bad-steps must be at least 0, not -1"),
        ("optimization__cooldown_pairs", 5, "--cooldown-pairs needs --schedule constant"),
        ("optimization__ema", 1.0, "--ema must be from 0 to below 1, not 1.0"),
        (
            "evaluation__evaluate_every",
            5,
            "--evaluate-every needs --images with --classes or --captions, or --benchmarks",
        ),
        ("output__stop_after_steps", -1, "--stop-after-steps must be at least 0, not -1"),
        ("output__stop_after_minutes", float("nan"), "--stop-after-minutes must be a number from 0 up, not nan"),
        ("output__output", "s3://bucket/training", "--output must be a folder of a file system .* not s3://bucket"),
        ("data__seed", -1, "--seed must be from 0 to 2.64 - 1, not -1"),
        ("data__workers", 5000, "--workers must be at most 1024, not 5000"),
        ("data__weights", ("sw=-1",), "--weights has 'sw=-1': give a number from 0 to 1,000"),
        ("data__weights", ("sw=nan",), "--weights has 'sw=nan': give a number from 0 to 1,000"),
        ("data__weights", ("sw=1001",), "--weights has 'sw=1001': give a number from 0 to 1,000"),
        ("model__smallest_crop", float("nan"), "--smallest-crop must be a share above 0, up to 1, not nan"),
    ],
)
def test_ranges(option: str, value: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        of_recipe("tiny", **{option: value})


def test_a_cooldown_follows_the_warm_up() -> None:
    constant = {"optimization__schedule": "constant"}
    assert of_recipe("tiny", **constant, optimization__cooldown_pairs=17_920).optimization.cooldown_pairs == 17_920
    with pytest.raises(UserError, match="--cooldown-pairs must be at most the 17,920 pairs of --pairs-seen that"):
        of_recipe("tiny", **constant, optimization__cooldown_pairs=17_921)


def test_files_of_an_evaluation_need_to_know_when() -> None:
    files = {"evaluation__images": "images", "evaluation__captions": "captions.tsv"}
    assert of_recipe("tiny", **files, evaluation__evaluate_every=5).evaluation.captions == "captions.tsv"
    with pytest.raises(UserError, match="--evaluate-every is missing: give the number of steps"):
        of_recipe("tiny", **files)
