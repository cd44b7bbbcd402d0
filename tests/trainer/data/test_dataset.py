"""Every pair once in an epoch, whoever reads, and what happens to broken images."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import CuratedPairs, Pair, ProcessRank, StreamOptions
from tests.support import made_shards


def shares(folder: Path, ranks: int, workers: int, epoch: int = 0, streams: StreamOptions | None = None) -> list[str]:
    """The uids of all ranks and workers; workers of a DataLoader in one process are as good as others."""
    found = []
    for rank in range(ranks):
        dataset = CuratedPairs.offline(str(folder), process=ProcessRank(rank, ranks), streams=streams)
        dataset.move_to(epoch)
        for worker in range(workers):
            size = dataset.epoch_size()
            read = dataset.read(0, size, rank + worker * ranks, ranks * workers)
            found += [pair.uid for _, pair in read if isinstance(pair, Pair)]
    return found


@pytest.mark.parametrize("sizes", [[40], [7, 0, 13, 1], [5] * 12])
@pytest.mark.parametrize(("ranks", "workers"), [(1, 1), (3, 1), (2, 4), (5, 3)])
def test_each_pair_is_read_once(tmp_path: Path, sizes: list[int], ranks: int, workers: int) -> None:
    pairs = made_shards.write(tmp_path, sizes, failed=2)
    uids = shares(tmp_path, ranks, workers, streams=StreamOptions(window=4))
    assert sorted(uids) == sorted(pair.uid for pair in pairs)


def test_a_data_loaders_workers_share_an_epoch(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [9, 4])
    loader = DataLoader(CuratedPairs.offline(str(tmp_path)), batch_size=None, num_workers=2)
    assert sorted(pair.uid for pair in loader) == sorted(pair.uid for pair in pairs)


def test_what_a_pair_is(tmp_path: Path) -> None:
    made = {pair.uid: pair for pair in made_shards.write(tmp_path, [30, 30])}
    for pair in CuratedPairs.offline(str(tmp_path)):
        expected = made.pop(pair.uid)
        assert (pair.text, pair.language) == (expected.text, expected.language)
        assert isinstance(pair.image, Image.Image)
        assert (pair.image.mode, pair.image.getpixel((3, 3))) == ("RGB", expected.colour)
    assert not made


def test_epochs_are_shuffled_by_seed(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [50] * 4)

    def read(seed: int, epoch: int) -> list[str]:
        dataset = CuratedPairs.offline(str(tmp_path), seed=seed)
        dataset.move_to(epoch)
        return [pair.uid for pair in dataset]

    orders = [read(0, 0), read(0, 1), read(1, 0), read(0, 0)]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert {frozenset(each) for each in orders} == {frozenset(orders[0])}
    # Neighbours come from several shards.
    shard = {made_shards.uid_of(number): number // 50 for number in range(200)}
    assert len({shard[uid] for uid in orders[0][:16]}) >= 3


def test_broken_images_are_counted_and_end_nothing(tmp_path: Path) -> None:
    photo = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(photo, "JPEG")
    files = {
        3: photo.getvalue()[:900],
        5: b"<html>not found</html>",
        7: b"",
        11: made_shards.png((1, 2, 3))[:45] + bytes(20),
    }
    pairs = made_shards.write(tmp_path, [10, 10], files)
    dataset = CuratedPairs.offline(str(tmp_path))
    read = {pair.uid for pair in dataset}
    assert read == {pair.uid for number, pair in enumerate(pairs) if number not in files}
    assert sum(dataset.problems.values()) == 4
    assert dataset.problems["truncated"] >= 1
    assert (dataset.problems["not an image"], dataset.problems["empty"]) == (1, 1)


def test_a_tar_with_a_damaged_header(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [40])
    tar = tmp_path / "00000.tar"
    content = bytearray(tar.read_bytes())
    extended = content.index(b"000000010.") - 1024  # the header before that of the file
    content[extended : extended + 512] = bytes([255]) * 512
    tar.write_bytes(content)
    dataset = CuratedPairs.offline(str(tmp_path))
    read = list(dataset)
    assert dataset.problems == {"shard damaged (header)": 40 - len(read)}
    assert len(read) < 40


def test_an_image_that_its_tar_lacks(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [40])
    lacking = made_shards.write(tmp_path / "other", [39])
    (tmp_path / "other" / "00000.tar").replace(tmp_path / "00000.tar")
    dataset = CuratedPairs.offline(str(tmp_path))
    assert len(list(dataset)) == len(lacking)
    assert dataset.problems == {"missing from its shard": 1}


def test_a_tar_that_breaks_off(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [20, 20])
    tar = tmp_path / "00001.tar"
    tar.write_bytes(tar.read_bytes()[: tar.stat().st_size // 2])
    dataset = CuratedPairs.offline(str(tmp_path))
    read = {pair.uid for pair in dataset}
    assert {pair.uid for pair in pairs[:20]} < read < {pair.uid for pair in pairs}
    assert sum(dataset.problems.values()) == 40 - len(read)
    assert all("shard damaged" in reason or reason == "missing from its shard" for reason in dataset.problems)
    tar.unlink()
    dataset = CuratedPairs.offline(str(tmp_path))
    assert {pair.uid for pair in dataset} == {pair.uid for pair in pairs[:20]}
    assert dataset.problems == {"shard damaged (FileNotFoundError)": 20}


def test_a_transforms_mistake_is_no_broken_image(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [2])

    def transform(image: Image.Image) -> None:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        list(CuratedPairs.offline(str(tmp_path), transform=transform))


class Sizes:
    """A transform that needs 2 pixels on each side."""

    least_side = 2

    def __call__(self, image: Image.Image) -> tuple[int, int]:
        return image.size


def test_a_transform_that_needs_few_pixels(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    made_shards.write(tmp_path, [2], {0: file.getvalue()})
    assert sorted(pair.image for pair in CuratedPairs.offline(str(tmp_path), transform=Sizes())) == [(2, 2), (8, 8)]


def test_a_transforms_random_numbers_belong_to_the_sample(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [8])

    def numbers(ranks: int, epoch: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for rank in range(ranks):
            dataset = CuratedPairs.offline(
                str(tmp_path), transform=lambda _: float(torch.rand(())), process=ProcessRank(rank, ranks)
            )
            dataset.move_to(epoch)
            found |= {pair.uid: pair.image for pair in dataset}
        return found

    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    assert numbers(1, 0) == numbers(3, 0) != numbers(1, 1)
    assert len(set(numbers(1, 0).values())) == 8
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_of_languages(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [80, 80])
    dataset = CuratedPairs.offline(str(tmp_path), weights={"en": 0, "th": 2})
    assert dataset.expected_epoch_size == 160 - 20 + 20
    uids = [pair.uid for pair in dataset]
    assert len(uids) == dataset.epoch_size() == 160
    times = {pair.language: uids.count(pair.uid) for pair in pairs}
    assert times == dict.fromkeys(made_shards.TEXTS, 1) | {"en": 0, "th": 2}


def test_only_the_pairs_of_another_manifest(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path / "shards", [40, 40])
    # As after balancing again; it has pairs that weren't fetched, too.
    wanted = [pair.uid for pair in pairs if int(pair.uid, 16) % 3 == 0]
    (tmp_path / "manifest").mkdir()
    uids = [*wanted, *map(made_shards.uid_of, range(1000, 1100))]
    for part in range(2):
        pq.write_table(pa.table({"uid": uids[part::2]}), tmp_path / "manifest" / f"part-{part:05d}.parquet")
    manifest = str(tmp_path / "manifest")
    dataset = CuratedPairs.offline(str(tmp_path / "shards"), manifest=manifest, weights={"ru": 2})
    read = Counter(pair.uid for pair in dataset)
    languages = {pair.uid: pair.language for pair in pairs}
    assert read == {uid: 2 if languages[uid] == "ru" else 1 for uid in wanted}
    assert dataset.expected_epoch_size == dataset.epoch_size() == sum(read.values())
    state = dataset.state_dict()
    with pytest.raises(UserError, match="other data"):
        CuratedPairs.offline(str(tmp_path / "shards"), weights={"ru": 2}).load_state_dict(state)
    with pytest.raises(UserError, match="has no pairs: name the manifest"):
        CuratedPairs.offline(str(tmp_path / "shards"), manifest=str(tmp_path / "nowhere"))


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no sizes\.json"):
        CuratedPairs.offline(str(tmp_path))
    made_shards.write(tmp_path / "a", [2])
    with pytest.raises(UserError, match=r"drawn already: fetch with .*--table matched"):
        CuratedPairs.online(str(tmp_path / "a"), str(tmp_path))
    (tmp_path / "a" / "00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"00000\.parquet is damaged"):
        CuratedPairs.offline(str(tmp_path / "a"))
    made_shards.write_sizes(tmp_path / "a", [0])
    with pytest.raises(UserError, match="has no images"):
        CuratedPairs.offline(str(tmp_path / "a"))
