"""How Sphinx builds the documentation: `sphinx-build -W -n docs docs/_build`."""

import sys
from importlib.metadata import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "mnist_jax"
version = release = metadata(project)["Version"]
html_title = f"{project} {version}"
html_theme = "furo"
html_show_copyright = html_show_sphinx = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    # of this folder
    "dollar_math",
    "mathml",
    "members",
    "public_names",
    "signatures",
]
# jupyter_execute is where a build leaves the notebooks that it ran
exclude_patterns = ["_build", "jupyter_execute", "*.jinja"]

# Markdown: what GitHub shows too
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# the notebooks are run each time; a cell that fails, fails the build
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# docstrings
default_role = "code"  # single backticks are code in them, as in Markdown
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "no-value": True}
napoleon_custom_sections = [("Attributes", "params_style")]  # a NamedTuple's are its parameters
html_math_renderer = "mathml"

# every name of this project that is mentioned must be documented; others' names are only mentioned
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!mnist_jax|experiments).*")]
