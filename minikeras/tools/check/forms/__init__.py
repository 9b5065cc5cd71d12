"""The forms in which a report is shown: text, data, Markdown, and a page."""
