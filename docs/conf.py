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
    "sphinx_copybutton",
    # in docs/extensions
    "dollar_math",
    "mathml",
    "members",
    "public_names",
    "signatures",
]
# a build writes the notebooks that it ran to jupyter_execute
exclude_patterns = ["_build", "jupyter_execute", "*.jinja"]

# Markdown extensions that GitHub renders too
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# each build runs the notebooks; an error in a cell is an error of the build
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# copy buttons: leave out the prompts and the output of examples
copybutton_prompt_text = r">>> |\.\.\. |\.\.\.$"
copybutton_prompt_is_regexp = True

# docstrings
default_role = "code"  # single backticks are code, as in Markdown
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "no-value": True}
napoleon_custom_sections = [
    ("Attributes", "params_style")
]  # NamedTuples: attributes are parameters
html_math_renderer = "mathml"

# a reference to a name of this project must resolve; references to other projects need not
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!mnist_jax|experiments).*")]
