"""Tablestore (OTS): tables and rows."""
