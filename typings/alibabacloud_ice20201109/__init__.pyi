# Read in alibabacloud-ice20201109 6.20.2.
