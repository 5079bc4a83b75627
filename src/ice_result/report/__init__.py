"""Reports for people: a folder of static pages about recorded jobs."""
