"""metaclip-curate completion: scripts that a shell accepts."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from metaclip_curate.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_has_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("rebalance", "starter", "texts-per-image", "config", "entry-spacing"):
        assert word in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_bash_completes_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    if not shutil.which("bash"):
        pytest.skip("needs bash")
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    ask = (
        "COMP_WORDS=(metaclip-curate match --entry-s); COMP_CWORD=2; "
        '$(complete -p metaclip-curate | sed -E "s/.*-F ([^ ]+).*/\\1/") metaclip-curate --entry-s match; '
        'echo "${COMPREPLY[@]}"'
    )
    answer = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["--entry-spacing"]


def test_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "cmd"])
    assert "must be one of bash, zsh, fish, not cmd" in capsys.readouterr().err
