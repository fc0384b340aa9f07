"""Types in signatures: short, and linked to where they are documented."""

import re
from importlib import import_module
from typing import Any, TypeVar

ARRAY = re.compile(r"\bjaxlib(\.\w+)*\.Array\b")


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", shorten)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}


def shorten(
    app: Any,
    what: str,
    name: str,
    obj: Any,
    options: Any,
    signature: str | None,
    result: str | None,
) -> tuple[str | None, str | None]:
    """Calls an array of JAX an Array, and leaves out what a protocol is never called with."""
    del app, what, name, options
    if getattr(obj, "_is_protocol", False):
        return "", None
    return _short(signature), _short(result)


def _short(text: str | None) -> str | None:
    return text and ARRAY.sub("Array", text)


def resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Looks for `package.module.name` as `package.name`; a type variable needs no link."""
    module, _, name = node["reftarget"].rpartition(".")
    if node.get("refdomain") != "py" or not module.startswith(("mnist_jax.", "experiments.")):
        return None
    if isinstance(getattr(import_module(module), name, None), TypeVar):
        return contnode
    target = f"{module.rpartition('.')[0]}.{name}"
    return env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, "obj", target, node, contnode
    )
