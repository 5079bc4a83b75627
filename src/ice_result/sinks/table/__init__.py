"""Stores that keep rows in tables: SQLite and Tablestore, with the same columns in both."""
