"""The team's policy file: read it, say every fault with its line, tell what it means."""

from bot.policy_file.describe import describe
from bot.policy_file.load import load_policy, read_policy
from bot.policy_file.problems import PolicyProblems, problems_text
from bot.policy_file.warnings import warnings

__all__ = ["PolicyProblems", "describe", "load_policy", "problems_text", "read_policy", "warnings"]
