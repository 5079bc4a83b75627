"""STS (Security Token Service): whose keys these are."""
