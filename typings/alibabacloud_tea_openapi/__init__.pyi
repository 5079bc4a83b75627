# Read in alibabacloud-tea-openapi 0.4.6.
