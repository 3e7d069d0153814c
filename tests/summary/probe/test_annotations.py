"""Regions from annotation files: the masks are those of `pycocotools`, and what is left out is said."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from tensorboard_picasso.summary import Box, Probe, coco_regions, voc_regions
from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.probe.runs import runs

HEIGHT, WIDTH = 37, 53
BLOB = np.add.outer((np.arange(HEIGHT) - 15) ** 2, (np.arange(WIDTH) - 30) ** 2) < 140
NOISE = np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.4
STRIPE = np.repeat([np.arange(WIDTH) % 7 == 0], HEIGHT, axis=0)
POLYGON = [5.25, 4.5, 40.75, 8.0, 48.5, 30.25, 20.0, 33.5, 9.0, 20.75]
SMALL = [1.0, 1.0, 8.0, 1.0, 8.0, 6.0, 1.0, 6.0]


@pytest.fixture(autouse=True)
def nothing_was_said():
    report._said.clear()


def plain(mask):
    """COCO's uncompressed run lengths, by definition."""
    flat = np.concatenate([[0], mask.T.ravel(), [2]]).astype(int)
    ends = np.flatnonzero(np.diff(flat))
    starts = [0, *ends]
    counts = [int(b - a) for a, b in zip(starts, [*ends, mask.size], strict=True)]
    counts = counts[:-1] if counts[-1] == 0 else counts
    return {"size": list(mask.shape), "counts": counts}


def compressed(mask):
    held = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": held["size"], "counts": held["counts"].decode()}


def near(mask):
    """Pixels with both in and out among the nine around."""
    padded = np.pad(mask, 1, mode="edge")
    around = [padded[y : y + HEIGHT, x : x + WIDTH] for y in range(3) for x in range(3)]
    return np.any(around, axis=0) & ~np.all(around, axis=0)


def written(folder, annotations, images=None, categories=None):
    images = images or [{"id": 7, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}]
    contents = {
        "images": images,
        "categories": categories or [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": n, "image_id": 7, "category_id": 1, **a} for n, a in enumerate(annotations)
        ],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(contents))
    return path


def masks_of(path, names=("a.png",), size=(HEIGHT, WIDTH), **options):
    images = np.random.default_rng(0).random((len(names), *size, 1))
    return Probe("p", images, regions=coco_regions(path, list(names), **options)).regions


@pytest.mark.parametrize("mask", [BLOB, ~BLOB, NOISE, STRIPE, STRIPE.copy()[:, ::-1]])
@pytest.mark.parametrize("form", [plain, compressed])
def test_run_lengths_are_the_mask(form, mask, tmp_path):
    held = form(mask)
    if form is plain:
        packed = coco.frPyObjects(held, HEIGHT, WIDTH)
        np.testing.assert_array_equal(coco.decode(packed).astype(bool), mask)
    np.testing.assert_array_equal(runs(held).mask(HEIGHT, WIDTH), mask)
    [regions] = masks_of(written(tmp_path, [{"segmentation": held}]))
    np.testing.assert_array_equal(regions["cat"], mask)


def test_long_runs_are_read_from_many_characters():
    mask = np.zeros((700, 900), bool)
    mask[3, 5] = mask[600:650, 100:800] = True
    np.testing.assert_array_equal(runs(compressed(mask)).mask(700, 900), mask)


@pytest.mark.parametrize("polygon", [POLYGON, SMALL, [x + 0.5 for x in POLYGON]])
def test_polygons_are_those_of_pycocotools_but_for_the_pixels_on_their_edge(polygon, tmp_path):
    expected = coco.decode(coco.frPyObjects([polygon], HEIGHT, WIDTH))[..., 0].astype(bool)
    [regions] = masks_of(written(tmp_path, [{"segmentation": [polygon]}]))
    other = regions["cat"] ^ expected
    assert not (other & ~near(expected)).any()
    assert other.sum() <= 0.1 * expected.sum()


def test_polygons_at_whole_pixels_are_those_of_pycocotools(tmp_path):
    expected = coco.decode(coco.frPyObjects([SMALL], HEIGHT, WIDTH))[..., 0].astype(bool)
    assert expected.sum() == 7 * 5
    [regions] = masks_of(written(tmp_path, [{"segmentation": [SMALL]}]))
    np.testing.assert_array_equal(regions["cat"], expected)


def test_a_box_stands_in_where_there_is_no_segmentation(tmp_path):
    box = [3, 5, 12, 9]
    expected = coco.decode(coco.frPyObjects(np.array([box], float), HEIGHT, WIDTH))[..., 0].astype(
        bool
    )
    for given in ({"bbox": box}, {"bbox": box, "segmentation": []}):
        [regions] = masks_of(written(tmp_path, [given]))
        np.testing.assert_array_equal(regions["cat"], expected)
        assert expected.sum() == 12 * 9


def test_all_objects_of_a_category_are_one_region_and_parts_of_one_are_a_union(tmp_path):
    far = [20, 20, 30, 20, 30, 30, 20, 30]
    path = written(tmp_path, [
        {"segmentation": [SMALL, far]}, {"segmentation": compressed(BLOB)},
        {"category_id": 2, "bbox": [40, 30, 5, 5]},
    ])  # fmt: skip
    [regions] = masks_of(path)
    parts = coco.decode(coco.frPyObjects([SMALL, far], HEIGHT, WIDTH)).any(-1)
    assert list(regions) == ["cat", "dog"]
    np.testing.assert_array_equal(regions["cat"], parts | BLOB)
    assert regions["dog"].sum() == 25
    [only] = masks_of(path, categories=["dog"])
    assert list(only) == ["dog"]


def test_images_are_found_by_name_path_and_id(tmp_path):
    size = {"height": HEIGHT, "width": WIDTH}
    images = [
        {"id": 7, "file_name": "train/a.png", **size}, {"id": 8, "file_name": "val/a.png", **size},
        {"id": 9, "file_name": "b.png", **size},
    ]  # fmt: skip
    boxes = [
        {"image_id": 7, "bbox": [0, 0, 1, 1]},
        {"image_id": 8, "bbox": [0, 0, 2, 1]},
        {"image_id": 9, "bbox": [0, 0, 3, 1]},
    ]
    path = written(tmp_path, boxes, images)
    names = ["/data/val/a.png", tmp_path / "b.png", 7, np.int64(8)]
    assert [each["cat"].sum() for each in masks_of(path, names)] == [2, 3, 1, 2]
    with pytest.raises(ValueError, match=r"has 2 images 'a.png': pass their ids"):
        coco_regions(path, ["a.png"])


def test_what_is_left_out_is_said_in_one_line(tmp_path, capsys):
    path = written(tmp_path, [
        {"segmentation": compressed(NOISE), "iscrowd": 1}, {"segmentation": [SMALL]},
        {"segmentation": plain(BLOB), "iscrowd": 1}, {"segmentation": [[1, 1, 9, 9]]},
    ])  # fmt: skip
    regions = masks_of(path, ["a.png", "new.png", None])
    said = capsys.readouterr().err
    assert said.strip() == (
        "picasso: instances.json: left out 1 image that it does not know (new.png), 2 crowd regions"
        " (iscrowd), 1 object without an area"
    )
    assert [list(each) for each in regions] == [["cat"], [], []]
    assert regions[0]["cat"].sum() == 35


def test_a_region_without_a_pixel_and_one_of_all_pixels_are_left_out_and_said(tmp_path, capsys):
    path = written(tmp_path, [
        {"bbox": [3.6, 3, 0.3, 4]}, {"category_id": 2, "bbox": [0, 0, WIDTH, HEIGHT]},
        {"category_id": 3, "bbox": [-4, -4, 10, 8]},
    ], categories=[{"id": 1, "name": "cat"}, {"id": 2, "name": "sea"}, {"id": 3, "name": "dog"}])  # fmt: skip
    [regions] = masks_of(path)
    # What lies beyond the image is no part of it.
    assert {name: mask.sum() for name, mask in regions.items()} == {"dog": 6 * 4}
    assert "left out 1 region without a pixel, 1 region of all pixels" in capsys.readouterr().err


def test_images_that_a_probe_does_not_keep_are_no_matter(tmp_path):
    size = {"height": 6, "width": 8}
    images = [{"id": k, "file_name": f"{k}.png", **size} for k in range(3)]
    path = written(
        tmp_path,
        [
            {"image_id": 0, "bbox": [0, 0, 1, 1]},
            {"image_id": 2, "category_id": 2, "bbox": [0, 0, 1, 1]},
        ],
        images,
    )
    regions = coco_regions(path, ["0.png", "1.png", "2.png"])
    probe = Probe("p", np.random.default_rng(0).random((3, 6, 8, 1)), regions=regions, max_images=2)
    assert [list(each) for each in probe.regions] == [["cat"], []]
    with pytest.raises(ValueError, match="are of 3 images, the probe has 2: pass the names"):
        probe.with_regions(regions)


def test_files_that_are_passed_are_found_by_their_names(tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(np.uint8(BLOB * 255)).save(tmp_path / name)
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    path = written(tmp_path, [{"segmentation": compressed(BLOB)}])
    probe = Probe("p", files, regions=coco_regions(path, files))
    np.testing.assert_array_equal(probe.regions[0]["cat"], BLOB)
    later = Probe("p", files).with_regions(coco_regions(path, probe.names))
    np.testing.assert_array_equal(later.regions[0]["cat"], BLOB)


def test_images_that_were_resized_as_a_whole_have_resized_masks(tmp_path):
    path = written(
        tmp_path, [{"segmentation": compressed(BLOB)}, {"category_id": 2, "bbox": [10, 8, 20, 12]}]
    )
    with pytest.raises(ValueError, match="annotates it at 37 x 53, and it is viewed at 74 x 106"):
        masks_of(path, size=(74, 106))
    [regions] = masks_of(path, size=(74, 106), resized=True)
    np.testing.assert_array_equal(regions["cat"], np.kron(BLOB, np.ones((2, 2), bool)))
    np.testing.assert_array_equal(regions["dog"], Box(16, 20, 24, 40).mask(74, 106))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {
                "annotations": [
                    {
                        "id": 3,
                        "image_id": 7,
                        "category_id": 1,
                        "segmentation": {"size": [2, 2], "counts": [1, 2]},
                    }
                ]
            },
            "annotation 3 has run lengths that fill 3 of 2 x 2",
        ),
        (
            {
                "annotations": [
                    {
                        "id": 3,
                        "image_id": 7,
                        "category_id": 1,
                        "segmentation": {"size": [2, 2], "counts": [1, 3]},
                    }
                ]
            },
            r"annotation 3 has run lengths of another size, \(2, 2\)",
        ),
        (
            {
                "annotations": [
                    {
                        "id": 3,
                        "image_id": 7,
                        "category_id": 1,
                        "segmentation": {"size": [HEIGHT, WIDTH], "counts": "\u00e4"},
                    }
                ]
            },
            "annotation 3 has run lengths",
        ),
        (
            {
                "annotations": [
                    {
                        "id": 3,
                        "image_id": 7,
                        "category_id": 1,
                        "segmentation": {"size": [HEIGHT, WIDTH], "counts": "ooooooooooooooooooo0"},
                    }
                ]
            },
            "annotation 3 has run lengths",
        ),
        (
            {
                "annotations": [
                    {"id": 3, "image_id": 7, "category_id": 1, "segmentation": {"counts": [3]}}
                ]
            },
            "run lengths of size None",
        ),
        (
            {
                "annotations": [
                    {"id": 3, "image_id": 7, "category_id": 1, "segmentation": [[1, 2, 3]]}
                ]
            },
            r"annotation 3 has the polygon \[1, 2, 3\], no x, y",
        ),
        (
            {"annotations": [{"id": 3, "image_id": 7, "category_id": 1}]},
            "annotation 3 has no segmentation, and the box None",
        ),
        (
            {"annotations": [{"image_id": 7, "category_id": 5, "bbox": [0, 0, 1, 1]}]},
            "an annotation of image 7 is of category 5, which is not there",
        ),
        ({"annotations": [{"image_id": 8}]}, "annotation 0 is of image 8, which is not there"),
        ({"images": [{"id": 7, "file_name": "a.png"}]}, r"image 7 is of size \(None, None\)"),
        ({"images": [{"file_name": "a.png"}]}, "image has id None: give a whole number"),
        ({"categories": [{"id": 1}]}, "category 1 has no name"),
        ({"categories": 3}, "has no list 'categories': pass an instances file"),
    ],
)
def test_malformed_files_are_named_with_what_is_wrong(parts, message, tmp_path):
    path = written(tmp_path, [])
    path.write_text(json.dumps({**json.loads(path.read_text()), **parts}))
    with pytest.raises(ValueError, match=r"instances.json.*" + message):
        coco_regions(path, ["a.png"])


def test_what_is_no_json_is_said(tmp_path):
    path = tmp_path / "instances.json"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"instances.json: no JSON \(.*\): pass COCO's instances"):
        coco_regions(path, ["a.png"])


# Pascal VOC

BOXES = {"cat": (4, 3, 20, 12), "dog": (25, 10, 50, 30)}  # xmin, ymin, xmax, ymax from 1


def entry(name, box, more=""):
    tags = "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    )
    return f"<object><name>{name}</name>{more}<bndbox>{tags}</bndbox></object>"


def annotated(folder, entries, name="a", size=(HEIGHT, WIDTH)):
    there = folder / "VOC" / "Annotations"
    there.mkdir(parents=True, exist_ok=True)
    told = (
        f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
        if size
        else ""
    )
    (there / f"{name}.xml").write_text(f"<annotation>{told}{''.join(entries)}</annotation>")
    return there


def voc_masks(folder, names=("a.jpg",), size=(HEIGHT, WIDTH), **options):
    images = np.random.default_rng(0).random((len(names), *size, 1))
    return Probe("p", images, regions=voc_regions(folder, list(names), **options)).regions


def of_box(left, top, right, bottom):
    """As pycocotools has it: pixels counted from 1, the last one inside."""
    box = [left - 1, top - 1, right - left + 1, bottom - top + 1]
    return coco.decode(coco.frPyObjects(np.array([box], float), HEIGHT, WIDTH))[..., 0].astype(bool)


def test_boxes_of_voc_hold_their_last_pixels(tmp_path):
    folder = annotated(tmp_path, [entry(name, box) for name, box in BOXES.items()])
    [regions] = voc_masks(folder)
    assert list(regions) == ["cat", "dog"]
    for name, box in BOXES.items():
        np.testing.assert_array_equal(regions[name], of_box(*box))
    assert regions["cat"].sum() == 17 * 10
    [only] = voc_masks(folder, ["deep/a"], categories=["dog"])
    assert list(only) == ["dog"]


def test_segmentations_of_voc_are_taken_in_whatever_order_they_are(tmp_path):
    folder = annotated(
        tmp_path, [entry(name, box) for name, box in BOXES.items()] + [entry("cat", (1, 33, 6, 36))]
    )
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cat, dog = of_box(*BOXES["cat"]) & (NOISE | STRIPE), of_box(*BOXES["dog"])
    cat[2, 3:20] = cat[11, 3:20] = True
    dog[12:15, 30:33] = False
    labels[cat], labels[dog] = 2, 1  # not in the order of the file
    labels[10:12, 40] = 255
    dog[10:12, 40] = False
    (folder.parent / "SegmentationObject").mkdir()
    image = Image.fromarray(labels)
    image.putpalette([value for k in range(256) for value in (k, 0, 255 - k)])
    image.save(folder.parent / "SegmentationObject" / "a.png")
    [regions] = voc_masks(folder)
    np.testing.assert_array_equal(regions["dog"], dog)
    # The second cat has no pixels there: its box stands in.
    np.testing.assert_array_equal(regions["cat"], cat | of_box(1, 33, 6, 36))


def test_difficult_objects_and_what_voc_does_not_know_are_left_out_and_said(tmp_path, capsys):
    folder = annotated(
        tmp_path,
        [
            entry("cat", BOXES["cat"]),
            entry("dog", BOXES["dog"], "<difficult>1</difficult>"),
            entry("cat", BOXES["dog"], "<difficult>0</difficult>"),
        ],
    )
    regions = voc_masks(folder, ["a.jpg", "b.jpg", "c.jpg"])
    np.testing.assert_array_equal(regions[0]["cat"], of_box(*BOXES["cat"]) | of_box(*BOXES["dog"]))
    assert [list(each) for each in regions] == [["cat"], [], []]
    assert capsys.readouterr().err.strip() == (
        "picasso: Annotations: left out 2 images that it does not know (b.jpg, …),"
        " 1 object marked difficult"
    )


def test_a_mask_that_fills_no_box_is_left_out_and_said(tmp_path, capsys):
    folder = annotated(tmp_path, [entry("cat", BOXES["cat"])])
    (folder.parent / "SegmentationObject").mkdir()
    labels = np.uint8(of_box(30, 20, 34, 24))
    Image.fromarray(labels).save(folder.parent / "SegmentationObject" / "a.png")
    [regions] = voc_masks(folder)
    np.testing.assert_array_equal(regions["cat"], of_box(*BOXES["cat"]))
    assert "left out 1 mask that fills no box" in capsys.readouterr().err


def test_a_file_of_voc_without_a_size_is_of_images_as_they_are_viewed(tmp_path):
    folder = annotated(tmp_path, [entry("cat", BOXES["cat"])], size=None)
    [regions] = voc_masks(folder)
    np.testing.assert_array_equal(regions["cat"], of_box(*BOXES["cat"]))
    with pytest.raises(ValueError, match="does not say what size it annotates: leave out resized"):
        voc_masks(folder, size=(74, 106), resized=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation>", "no XML"),
        ("<html></html>", "its root is <html>: pass a folder of VOC's annotations"),
        ("<annotation><object><name>cat</name></object></annotation>", "an object has no <bndbox>"),
        (
            "<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>",
            "<ymin> is None",
        ),
        (
            f"<annotation>{entry('cat', (9, 9, 3, 12))}</annotation>",
            "a <bndbox> ends at 3, 12 before",
        ),
        (f"<annotation>{entry('', (1, 1, 3, 3))}</annotation>", "an object has no <name>"),
        (f"<annotation>{entry('cat', ('x', 1, 3, 3))}</annotation>", "<xmin> is 'x'"),
    ],
)
def test_malformed_files_of_voc_are_named_with_what_is_wrong(text, message, tmp_path):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(ValueError, match=r"a\.xml: " + message):
        voc_regions(tmp_path, ["a.jpg"])
