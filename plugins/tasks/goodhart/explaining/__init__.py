"""The grader of free explanations: carried out as written, does this explanation lead to this story's right answer?

`judging.judge` is the entry. `telling` holds what is true in a story: its quantities, and the nouns that mean them; `tokens`
turns a reply into words that mean operations and operands; `carrying` carries the operations out; `orders` does the same for
stories whose answer is made of names.
"""
