"""Which rule of robots.txt and ai.txt forbids."""

from __future__ import annotations

import pytest

from metaclip_curate.options.policies import AGENTS
from metaclip_curate.screens.robots_rules import AI_TXT, CONTENT_SIGNAL, DISALLOW_AI_TRAINING, forbidding_rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("User-agent: *\nDisallow: /\n", "robots.txt: CCBot"),
        ("User-agent: GPTBot\nDisallow: /\n", "robots.txt: GPTBot"),
        ("user-agent: gptbot\nuser-agent: other\ndisallow: /  # all\n", "robots.txt: GPTBot"),
        ("User-agent: *\nDisallow: /\n\nUser-agent: CCBot\nAllow: /\n", "robots.txt: GPTBot"),
        ("User-agent: img2dataset\r\nDisallow: *\r\n", "robots.txt: img2dataset"),
        ("User-agent: *\rDisallow: /\r", "robots.txt: CCBot"),
        ("User-agent: CCBot/2.0 (crawler)\nDisallow: /\n", "robots.txt: CCBot"),
        ("User-agent: img2dataset  # all\nDisallow: /\n", "robots.txt: img2dataset"),
        ("User-agent: GPTBot/1.1\nContent-Signal: ai-train=no\n", CONTENT_SIGNAL),
        ("User-agent: CCBotnet\nDisallow: /\n", ""),
        ("User-agent: Bingbot\nDisallow: /\n", ""),
        ("User-agent: *\nDisallow: /private\nDisallow:\n", ""),
        ("User-agent: *\nDisallow: /\nAllow: /\n", ""),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=no\nAllow: /\n", CONTENT_SIGNAL),
        ("Content-Signal: ai-train=no\nUser-agent: *\nAllow: /\n", CONTENT_SIGNAL),
        ("User-agent: Bingbot\nContent-Signal: ai-train=no\n", ""),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=yes\n", ""),
        ("User-agent: *\nDisallowAITraining: /\n", DISALLOW_AI_TRAINING),
        ("User-agent: *\nDisallowAITraining: /blog\n", ""),
        ("<html>no robots here</html>", ""),
        ("", ""),
    ],
)
def test_robots_txt(text: str, rule: str) -> None:
    assert forbidding_rule(text, False, AGENTS) == rule


def test_ai_txt() -> None:
    assert forbidding_rule("User-Agent: *\nDisallow: /\n", True, AGENTS) == AI_TXT
    assert forbidding_rule("User-Agent: *\nDisallow: *.mp3\nAllow: /\n", True, AGENTS) == ""


def test_other_agents() -> None:
    text = "User-agent: Bytespider\nDisallow: /\n"
    assert forbidding_rule(text, False, ("Bytespider",)) == "robots.txt: Bytespider"
