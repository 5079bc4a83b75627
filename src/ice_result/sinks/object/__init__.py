"""Stores that keep bytes under keys: OSS, S3 and folders, with one layout for all of them."""
