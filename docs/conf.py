"""How Sphinx builds the site; `scripts/docs` runs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import made

import ocean_lib

project = "ocean-compute"
author = "the ocean-compute founders"
copyright = "the authors of ocean-compute, Apache-2.0"
release = version = ocean_lib.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "README.md"]
nitpicky = False
default_role = "code"

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 4
myst_url_schemes = ("http", "https", "mailto")

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_use_ivar = True

copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"ocean-compute {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False


def setup(app: Any) -> None:
    """Fill in what is made from the code."""

    def fill(_app: Any, _name: str, source: list[str]) -> None:
        source[0] = made.filled(source[0])

    app.connect("source-read", fill)
