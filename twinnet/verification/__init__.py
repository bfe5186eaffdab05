"""Verification: are two items the same, at a threshold with a known false match rate?"""
