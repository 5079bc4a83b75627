"""Modules that every stage may use and no stage owns: types, JSON, redaction, calls, threads, keys, connections."""
