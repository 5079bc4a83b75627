"""OSS (Object Storage Service): buckets and objects."""
