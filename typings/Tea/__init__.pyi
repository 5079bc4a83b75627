# Read in alibabacloud-tea 0.4.3.
