"""The account that the function runs in: what a deployment needs there, beside what the deploying tool makes.

names ──► steps of each target: read ──► is there | is missing | differs ──► changes, made when they are asked for
"""
