"""`twinnet new-plugin`: the beginning of a package that adds a part to twinnet."""

from __future__ import annotations

import argparse

from twinnet.cli.new_plugin.package import PARTS
from twinnet.cli.options import add_json
from twinnet.cli.output import as_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "name", metavar="NAME", help="of the package, as in twinnet-chebyshev; a folder of that name is made"
    )
    parser.add_argument("--kind", choices=sorted(PARTS), default="backbone", help="what it brings (default: backbone)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.cli.new_plugin.package import Plugin, write

    plugin = Plugin(options.name, options.kind)
    files = write(plugin)
    if options.json:
        print(as_json({"folder": plugin.name, "kind": plugin.kind, "part": plugin.part, "files": files}))
        return
    print(f"{plugin.name}: a package with the {plugin.kind} {plugin.part!r}")
    print("\n".join(f"  {file}" for file in files))
    print(f'Next: pip install -e "{plugin.name}[dev]"; twinnet plugins; pytest {plugin.name}')
