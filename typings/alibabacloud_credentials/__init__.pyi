# Read in alibabacloud-credentials 1.0.12.
