"""Loss of a text: the quality axis beside the behavioural ones."""
