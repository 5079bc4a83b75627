"""Helpers of several tests: fakes at the wire, processes, clocks, and inputs and outputs."""
