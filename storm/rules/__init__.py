"""The rules that `check` judges by, each a pure function from a history to its violations."""
