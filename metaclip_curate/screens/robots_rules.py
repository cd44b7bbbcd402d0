"""Which rule of a host's robots.txt or ai.txt forbids that its content is used.

A host forbids if an agent may not fetch `/` (RFC 9309; ai.txt has the same form), if its robots.txt has the
Content-Signal ai-train=no, or DisallowAITraining for `/`. Paths below `/` aren't consulted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import protego

AI_TXT, CONTENT_SIGNAL, DISALLOW_AI_TRAINING = "ai.txt", "Content-Signal: ai-train=no", "DisallowAITraining"
# Only such a line can forbid `/`; few files have one, and parsing a file takes a tenth of a millisecond.
_MAY_FORBID = re.compile(r"^[ \t]*disallow[ \t]*:[ \t]*[/*$]+[ \t]*(?:#|$)", re.IGNORECASE | re.MULTILINE)
_LINE = re.compile(r"^[ \t]*([A-Za-z-]+)[ \t]*:[ \t]*([^#\n]*)", re.MULTILINE)
# What follows an agent's name: a version, as in "CCBot/2.0", or other words. Crawlers ignore it (RFC 9309, 2.2.1).
_AFTER_AGENT = re.compile(r"^([ \t]*user-agent[ \t]*:[ \t]*[^\s/#]+)[^#\n]*", re.IGNORECASE | re.MULTILINE)
_LINE_END = re.compile(r"\r\n?")
_NO_TRAINING = re.compile(r"(?:^|[\s,;])ai-train\s*=\s*no(?:$|[\s,;])", re.IGNORECASE)


def all_rules(agents: Sequence[str]) -> list[str]:
    """Returns the names of all rules, in the order in which they count."""
    return [*(f"robots.txt: {agent}" for agent in agents), CONTENT_SIGNAL, DISALLOW_AI_TRAINING, AI_TXT]


def forbidding_rule(text: str, is_ai_txt: bool, agents: Sequence[str]) -> str:
    """Returns the first rule that forbids, one of `all_rules`; empty if none does.

    Args:
        text: Content of a host's robots.txt or ai.txt.
        is_ai_txt: Whether it is ai.txt.
        agents: Names of the agents that count. One without rules of its own follows those of `*`.
    """
    text = _AFTER_AGENT.sub(r"\1", _LINE_END.sub("\n", text))
    if _MAY_FORBID.search(text):
        rules = protego.Protego.parse(text)
        for agent in agents:
            if not rules.can_fetch("/", agent):
                return AI_TXT if is_ai_txt else f"robots.txt: {agent}"
    return "" if is_ai_txt else _signal(text, agents)


def _signal(text: str, agents: Sequence[str]) -> str:
    """Returns which signal for all agents, or for one of some, forbids training."""
    counted = {"*", *(agent.lower() for agent in agents)}
    group: list[str] = []
    in_rules = True  # a user-agent line after a rule begins another group
    found: set[str] = set()
    for name, written in _LINE.findall(text):
        field, value = name.lower(), written.strip()
        if field == "user-agent":
            group = [value.lower()] if in_rules else [*group, value.lower()]
            in_rules = False
            continue
        in_rules = True
        # A signal before the first group is one for all.
        if not group or counted.intersection(group):
            if field == "content-signal" and _NO_TRAINING.search(value):
                found.add(CONTENT_SIGNAL)
            if field == "disallowaitraining" and value in ("/", "*", "/*"):
                found.add(DISALLOW_AI_TRAINING)
    return next((rule for rule in (CONTENT_SIGNAL, DISALLOW_AI_TRAINING) if rule in found), "")
