from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from twinnet.video.reader import open_video


@pytest.fixture
def people(tmp_path, coloured_people):
    coloured_people(tmp_path / "photos", side=48)
    return tmp_path


@pytest.fixture
def model(run, people, image_network, tmp_path):
    saved = image_network.save(tmp_path / "model")
    run("calibrate", saved, people / "photos", "--target-fmr", "0.1")
    return saved


def test_people_are_enrolled_identified_and_forgotten(run, lines, refused, people, model):
    gallery, photos = people / "gallery", people / "photos"
    done = run("enrol", gallery, photos, "--model", model)
    assert done["people"] == {f"person{i}": 4 for i in range(8)}
    found = run("identify", gallery, photos / "person3" / "0.png", photos / "person5" / "1.png")
    assert [picture["seen"][0]["name"] for picture in found["pictures"]] == ["person3", "person5"]
    assert found["false_positive_bound"] == 1
    assert run("forget", gallery, "person3")["people"].get("person3") is None
    assert run("identify", gallery, photos / "person3" / "0.png")["pictures"][0]["seen"][0]["closest"] != "person3"
    assert "person5 (score 1.0000" in lines("identify", gallery, photos / "person5" / "1.png")[0]
    run("enrol", gallery, photos / "person3" / "2.png", "--name", "Ann")
    assert run("identify", gallery, photos / "person3" / "2.png")["pictures"][0]["seen"][0]["name"] == "Ann"
    assert "called 'Zoe'" in refused("forget", gallery, "Zoe")


def test_pictures_are_kept_only_where_that_is_asked_for(run, lines, refused, people, model):
    gallery, photos = people / "gallery", people / "photos"
    assert "as embeddings only" in lines("enrol", gallery, photos, "--model", model)[0]
    assert not (gallery / "pictures").exists()
    pair = [photos / "person3" / "2.png", photos / "person3" / "3.png"]
    assert run("enrol", gallery, *pair, "--name", "Ann", "--keep-pictures")["kept_pictures"] == 2
    assert run("enrol", gallery, pair[0], "--name", "Zoe", "--keep-pictures")["kept_pictures"] == 3
    kept = sorted((gallery / "pictures").iterdir())
    assert [path.read_bytes() for path in kept] == [pair[0].read_bytes(), pair[1].read_bytes(), pair[0].read_bytes()]
    run("forget", gallery, "Ann")
    (left,) = (gallery / "pictures").iterdir()
    assert left.read_bytes() == pair[0].read_bytes()
    left.write_bytes(pair[1].read_bytes())
    assert "changed since the gallery was saved" in refused("identify", gallery, pair[0])


def test_a_video_is_drawn_with_names(run, people, model):
    frames = people / "frames"
    frames.mkdir()
    for number in range(4):
        with Image.open(people / "photos" / "person2" / f"{number}.png") as picture:
            picture.resize((160, 120)).save(frames / f"{number}.png")
    run("enrol", people / "gallery", people / "photos", "--model", model)
    done = run("identify", people / "gallery", "--video", frames, "--out", people / "out.webm", "--frames", "3")
    assert done["frames"] == 3
    with pytest.raises(SystemExit, match="2"):
        run("identify", people / "gallery", "--video", frames, "--frames", "-1")
    assert done["frames_with"].get("person2", 0) + done["frames_with"].get("nobody", 0) > 0
    written = [frame.pixels for frame in open_video(people / "out.webm")]
    assert len(written) == 3
    assert written[0].shape == (120, 160, 3)
    assert np.abs(written[0][:20, :60].astype(int) - written[0][60:80, :60].astype(int)).mean() > 10


def test_a_gallery_is_left_as_it_was_by_bad_input(run, refused, people, model):
    gallery, photos = people / "gallery", people / "photos"
    (people / "broken.png").write_bytes(b"no picture")
    start = ("enrol", gallery, "--model", model, "--name", "Ann")
    assert "broken.png" in refused(*start, photos / "person1" / "0.png", people / "broken.png")
    assert not gallery.exists()
    assert "missing.png: there is no such file" in refused(*start, people / "missing.png")
    assert "give --name" in refused("enrol", gallery, people / "broken.png", "--model", model)
    assert "holds other files" in refused("enrol", photos, photos, "--model", model)
    run(*start, photos / "person1" / "0.png")
    before = (gallery / "gallery.json").read_bytes()
    assert "broken.png" in refused(*start, people / "broken.png")
    assert (gallery / "gallery.json").read_bytes() == before
    assert "broken.png" in refused("identify", gallery, people / "broken.png")
    assert "give pictures, or" in refused("identify", gallery)
    assert "holds no gallery" in refused("identify", photos, people / "broken.png")
    assert "has to end in" in refused("identify", gallery, "--video", photos / "person1", "--out", people / "x.gif")
