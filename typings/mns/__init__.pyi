# Read in aliyun-mns-sdk 1.3.0.
