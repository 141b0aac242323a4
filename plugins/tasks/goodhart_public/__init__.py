"""Questions and procedures of others: does it know the right procedure, and can it carry it out?"""
