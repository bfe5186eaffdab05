"""`twinnet forget`: remove somebody from a gallery."""

from __future__ import annotations

import argparse

from twinnet.cli.options import add_device, add_json
from twinnet.cli.output import as_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("gallery", metavar="GALLERY", help="the folder of the gallery")
    parser.add_argument("name", metavar="NAME", help="who is to be forgotten")
    parser.add_argument("--model", metavar="NAME", help="a name or a folder (default: what the gallery was made with)")
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.cli.identify import load_gallery

    gallery = load_gallery(options)
    gallery.forget(options.name)
    gallery.save(options.gallery)
    if options.json:
        print(as_json({"gallery": options.gallery, "forgotten": options.name, "people": gallery.people}))
    else:
        print(f"{options.gallery}: {options.name} is forgotten; {len(gallery)} people are left")
