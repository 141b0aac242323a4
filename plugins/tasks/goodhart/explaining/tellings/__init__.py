"""One telling a family: what is true in each scenario of its story, and the nouns that mean it."""
