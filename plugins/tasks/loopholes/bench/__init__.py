"""A labelled bench for detectors: programs that hack in many ways, and honest ones, right and wrong."""
