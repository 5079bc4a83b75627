"""What every stage may use and no stage owns: types, JSON, redaction, addresses, calls, threads, keys, connections."""
