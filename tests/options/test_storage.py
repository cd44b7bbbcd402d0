"""Options of all stores."""

from __future__ import annotations

import dataclasses
import math
import pickle

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions


def test_options_travel_and_explain_themselves() -> None:
    options = StorageOptions(s3_endpoint_url="http://127.0.0.1:1", max_attempts=2)
    assert pickle.loads(pickle.dumps(options)) == options
    assert hash(options) == hash(dataclasses.replace(options))
    assert all(field.metadata["help"] for field in dataclasses.fields(StorageOptions))


@pytest.mark.parametrize("wrong", [0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, 86_400.1, 1e300])
def test_read_timeouts_out_of_range(wrong: float) -> None:
    with pytest.raises(UserError, match=r"--read-timeout must be above 0 and at most 86,400 seconds, not "):
        StorageOptions(read_timeout=wrong)


def test_other_options_out_of_range() -> None:
    for attempts in (0, -1, 1001, 10**30):
        with pytest.raises(UserError, match=f"--max-attempts must be from 1 to 1,000, not {attempts}"):
            StorageOptions(max_attempts=attempts)
    with pytest.raises(UserError, match="--cc-base is empty"):
        StorageOptions(cc_base="")
    for endpoint in ("//user:SECRET@h", "user:SECRET@h:1", "ftp://h"):
        with pytest.raises(UserError, match="--s3-endpoint-url must be an address: write"):
            StorageOptions(s3_endpoint_url=endpoint)
