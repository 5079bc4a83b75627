# Read in botocore 1.44.5.
