"""The readings of both axes, one module each, all of one shape (`reading.Reading`); the suite composes them."""
