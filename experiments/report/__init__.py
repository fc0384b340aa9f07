"""The written report: claims.json, report.md, and index.html."""
