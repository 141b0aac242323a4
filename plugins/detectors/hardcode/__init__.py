"""Does a program compute, or look its answers up?"""
