"""Start workers when rows wait: the decision, the rounds, and the launchers that know where to start them."""
