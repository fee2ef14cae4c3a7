"""The provider `rules`: reads a filing by patterns, without a network and without a model."""
