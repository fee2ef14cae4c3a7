"""The provider `openai-compatible`: a language model reads the filing, in place of the rules."""
