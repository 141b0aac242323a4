"""Small list problems in many combinations, with a training and a held-out side."""
