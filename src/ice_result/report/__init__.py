"""Reports for people: numbers of recorded jobs, and a folder of static pages."""
