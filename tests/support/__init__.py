"""What several tests share: fakes that stand at the wire, processes, clocks, and things to write and read."""
