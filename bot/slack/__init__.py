"""What Sayso looks like in Slack: the vocabulary, the cards as pure functions, and the courier that posts them."""
