"""What a sensitivity screen found, from its stored cells."""
