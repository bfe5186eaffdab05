"""`twinnet enrol`: add people to a gallery, by the embeddings of their pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

from twinnet.cli.options import add_device, add_json, check_there, load_network
from twinnet.cli.output import as_json
from twinnet.errors import ItemError, TwinnetError

NEW_MODEL = "face"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("gallery", metavar="GALLERY", help="the folder of the gallery; it is made if there is none")
    parser.add_argument(
        "pictures",
        metavar="PICTURE",
        nargs="+",
        help="pictures of --name, or without it one folder that has a folder of pictures for each name",
    )
    parser.add_argument("--name", help="who the pictures show")
    parser.add_argument(
        "--model", metavar="NAME", help=f"a name or a folder (default: the gallery's, {NEW_MODEL} for a new one)"
    )
    parser.add_argument(
        "--keep-pictures", action="store_true", help="copy the pictures into the gallery too (default: embeddings only)"
    )
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    import numpy as np

    from twinnet.files import check_replaceable
    from twinnet.verification.gallery import Gallery, check_name
    from twinnet.verification.gallery_folder import MANIFEST, gallery_model

    folder = Path(options.gallery)
    check_replaceable(folder, MANIFEST, "gallery")
    people = _people(options)
    for person in people:
        check_name(person)
    exists = (folder / MANIFEST).is_file()
    options.model = options.model or (gallery_model(folder) if exists else None) or NEW_MODEL
    network = load_network(options)
    name = str(Path(options.model).resolve()) if Path(options.model).is_dir() else options.model
    gallery = Gallery.load(folder, network) if exists else Gallery(network, name)
    pictures = [picture for group in people.values() for picture in group]
    try:
        rows = iter(network.encode(pictures, side="right"))
    except ItemError as error:
        picture = str(pictures[error.position])
        raise TwinnetError(error.problem if picture in error.problem else f"{picture}: {error.problem}") from error
    for person, group in people.items():
        keep = group if options.keep_pictures else None
        gallery.enrol(person, np.stack([next(rows) for _ in group]), keep)
    gallery.save(folder)
    total, kept = sum(gallery.people.values()), sum(map(len, gallery.pictures.values()))
    if options.json:
        result = {"gallery": str(folder), "enrolled": list(people), "people": gallery.people}
        print(as_json(result | {"kept_pictures": kept}))
    else:
        print(f"{folder}: {len(people)} enrolled; now {len(gallery)} people with {total} pictures ({_kept(kept)})")


def _kept(kept: int) -> str:
    return f"{kept} of them are kept" if kept else "as embeddings only"


def _people(options: argparse.Namespace) -> dict[str, list[Path]]:
    """The pictures of each name."""
    from twinnet.data.pictures import class_folders

    paths = [Path(picture) for picture in options.pictures]
    if options.name is None:
        if len(paths) != 1 or not paths[0].is_dir():
            raise TwinnetError("who is it? give --name, or one folder that has a folder of pictures for each name")
        people: dict[str, list[Path]] = {}
        for path, name in zip(*class_folders(paths[0]), strict=True):
            people.setdefault(name, []).append(path)
        return people
    check_there(paths)
    return {options.name: paths}
