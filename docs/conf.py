"""How Sphinx builds the site; `scripts/docs.py` calls it on a copy of the pages."""

project = "loadlab"
project_copyright = "the loadlab authors"
extensions = ["myst_parser"]
root_doc = "docs/README"
myst_heading_anchors = 4
nitpicky = True
html_theme = "furo"
html_title = "loadlab"
