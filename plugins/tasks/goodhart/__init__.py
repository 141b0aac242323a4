"""Goodhart tasks: does the model explain the procedure (proxy), and does it carry it out (truth)?"""
