"""Reports of the burn book: plain text and Markdown from the tables in data/."""
