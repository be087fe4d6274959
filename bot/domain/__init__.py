"""The pure core: words, the life of a proposal, policy, thresholds. No clock, no randomness, no I/O."""
