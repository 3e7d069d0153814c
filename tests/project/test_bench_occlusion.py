"""Arithmetic of `scripts/bench occlusion`: numbers that can be checked by hand."""

import re

import numpy as np
import pytest

from benchmarks.occlusion import cases, contenders, results, weights
from benchmarks.occlusion.results import (
    DENSE,
    OURS,
    OURS_DENSE,
    OURS_PROBE,
    DisagreementError,
    Store,
)
from tensorboard_picasso import summary

ABOUT = {"machine": {"cores": 2}, "versions": {"numpy": "2"}, "code": "a1"}


def row(model="cnn28", **seconds):
    """A row with each contender's seconds by round."""
    seconds = {OURS: [1.0, 2.0, 4.0], DENSE: [2.0, 4.0, 16.0], **seconds}
    each = {
        name: {"seconds": values, "cpu_seconds": values[::-1], "sampled": 0}
        for name, values in seconds.items()
    }
    key = {"model": model, "window": 4, "stride": 1, "framework": "torch"}
    return {**key, "windows": 625, "contenders": each}


def test_ratios_are_taken_round_by_round_and_their_median_is_not_that_of_medians():
    slow = row(Captum=[3.0, 20.0, 8.0])
    assert results.ratios(slow, DENSE) == [2, 2, 4]
    assert results.ratios(slow, DENSE, "cpu_seconds") == [4, 2, 2]
    assert results.spread(results.ratios(slow, "Captum")) == (3, 2, 10)


def test_the_fastest_peer_is_neither_ours_nor_the_limit():
    both = row(
        Captum=[9.0, 9.0, 1.0],
        saliency=[8.0, 8.0, 80.0],
        **dict.fromkeys([OURS_DENSE, OURS_PROBE], [0.1] * 3),
    )
    assert results.peers(both) == ["Captum", "saliency"]
    assert results.fastest(both) == "saliency"


def test_a_sample_of_windows_is_scaled_to_all_with_the_whole_image_once():
    # 1 + 10 scores in 11 s: 1 s each, and 1 + 100 are needed.
    assert results.scaled(11.0, 11, 100, whole=1) == 101
    assert results.scaled(5.0, 10, 100, whole=0) == 50


def test_scores_that_differ_by_more_than_rounding_are_refused():
    expected = np.array([[1.0, 2.0], [3.0, 5.0]])
    assert results.agree("x", expected + 0.005, expected, effect=1.0) == pytest.approx(0.005)
    with pytest.raises(DisagreementError, match=r"x: scores differ by 2.00e-02"):
        results.agree("x", expected + 0.02, expected, effect=1.0)
    with pytest.raises(DisagreementError, match="differ by nan"):
        results.agree("x", expected * np.nan, expected, effect=1.0)
    with pytest.raises(DisagreementError, match=r"\(1, 2\), expected \(2, 2\)"):
        results.agree("x", expected[:1], expected, effect=1.0)


def test_rows_that_are_done_are_read_back_and_those_of_other_code_refused(tmp_path):
    path = tmp_path / "new" / "rows.json"
    store = Store(path, ABOUT)
    assert store.find(model="cnn28", stride=1) is None
    store.add(row())
    again = Store(path, ABOUT)
    assert again.find(model="cnn28", stride=1) == row()
    assert again.find(model="cnn28", stride=2) is None
    again.add(row("vgg16"))
    assert [each["model"] for each in results.read(path)["rows"]] == ["cnn28", "vgg16"]
    with pytest.raises(ValueError, match="another code: pass --fresh"):
        Store(path, {**ABOUT, "code": "b2"})
    assert Store(path, {**ABOUT, "code": "b2"}, fresh=True).rows == []


def test_a_file_half_written_leaves_the_rows_that_were_done(tmp_path):
    path = tmp_path / "rows.json"
    Store(path, ABOUT).add(row())
    path.with_suffix(".part").write_text("{")
    assert Store(path, ABOUT).rows == [row()]


def test_a_table_says_the_spread_what_was_sampled_and_memory():
    one = row(Captum=[3.0, 20.0, 8.0])
    one["contenders"]["Captum"]["sampled"] = 40
    one["memory"] = {OURS: {"peak_mb": 300.0}, DENSE: {"peak_mb": 200.0}}
    lines = results.table([one]).splitlines()
    assert lines[0] == "torch"
    assert cells(lines[-1]) == [
        "cnn28", "4/1", "625", "2 (1–4)", "2.00× (2.00–4.00)", "~3.00× (2.00–10.00) Captum",
        "~3.00× (2.00–10.00)", "1.50× (300, 200 MB)",
    ]  # fmt: skip
    one["contenders"]["Captum"]["remark"] = "half as wide"
    assert results.table([one, one]).splitlines()[-1] == "Captum: half as wide."


def cells(line):
    """What stands in a line of a table, without what is empty."""
    return [each.strip() for each in re.split("  +", line) if each.strip()]


def test_a_document_has_a_table_of_ours_and_one_of_the_tools():
    one, other = row(Captum=[3.0, 20.0, 8.0]), row(saliency=[8.0, 8.0, 80.0])
    other["framework"] = "tensorflow"
    ours, words, tools = results.document([one, other]).split("\n\n")
    assert words == "Each of the other tools alone:"
    assert ours.splitlines()[2] == (
        "| CNN, 28×28 | 4/1 | 625 | PyTorch | 2 (1–4) | 2.00× (2.00–4.00) |  |  |"
        " 3.00× (2.00–10.00) Captum |  |"
    )
    assert tools.splitlines()[0] == "| model | window/stride |  | Captum | saliency |"
    assert tools.splitlines()[3] == "| CNN, 28×28 | 4/1 | TensorFlow |  | 8.00× |"
    for table in (ours, tools):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_a_table_compares_ours_without_reuse_with_ours_and_with_the_limit():
    one = row(Captum=[3.0, 20.0, 8.0], **{OURS_DENSE: [4.0, 8.0, 8.0]})
    one["memory"] = {OURS: {"peak_mb": 300.0}, DENSE: {"peak_mb": 200.0}}
    one["memory"][OURS_DENSE] = {"peak_mb": 240.0}
    assert results.ratios(one, DENSE, ours=OURS_DENSE) == [0.5, 0.5, 2]
    text = results.table([one])
    assert "  4.00× (2.00–4.00), limit 0.50×  " in text
    assert text.endswith("(300, 200 MB); dense 1.20×")


def test_a_table_compares_an_image_of_a_probe_with_the_limit():
    one = row(Captum=[3.0, 20.0, 8.0], **{OURS_PROBE: [0.5, 2.0, 2.0]})
    assert "  limit 4.00× (2.00–8.00)  " in results.table([one])


@pytest.mark.parametrize(
    "case", list(cases.every_case()), ids=lambda case: f"{case.name} {case.framework}"
)
def test_the_windows_of_a_row_are_those_of_our_method(case):
    window, tops, lefts = summary.Occlusion(case.window, case.stride).geometry(case.shape[:2])
    expected = [[top, left, *window] for top in tops for left in lefts]
    assert case.boxes().tolist() == expected


def test_windows_in_the_order_of_tools_that_go_down_first():
    case = cases.Case("cnn28", 8, 2, "torch")
    assert case.boxes(down_first=True)[:2].tolist() == [[0, 0, 8, 8], [2, 0, 8, 8]]
    assert case.boxes(8, cut=True)[:, 1].max() == 24


def test_a_loop_scores_each_window_filled():
    case = cases.Case("cnn28", 8, 2, "torch")
    image = np.zeros(case.shape, np.float32)
    loop = contenders.plain_loop(case, image, lambda x: x.sum(axis=(1, 2)), most=50)
    assert loop.run(121).tolist() == [[64 * cases.FILL]] * 121
    assert loop.most == 50
    assert loop.run(3).shape == (3, 1)


def test_a_tool_is_stopped_after_as_many_scores_as_are_timed():
    seen = []

    def tool(forward):
        for each in range(100):
            seen.append(each)
            forward(np.full((4, 1), each))

    scores = contenders.watched(lambda x: 2 * x, 10, tool)
    assert scores[:, 0].tolist() == [0] * 4 + [2] * 4 + [4] * 4
    assert seen == [0, 1, 2]


def test_networks_that_are_dead_or_explode_are_refused():
    random = np.random.default_rng(0)
    fine = random.normal(size=(1, 50, 4)).astype(np.float32)
    weights.check({"a": fine})
    for wrong in (fine * 0, fine * 1e5, fine * np.nan):
        with pytest.raises(ValueError, match="b: deviation"):
            weights.check({"a": fine, "b": wrong})


def test_a_last_layer_is_scaled_to_scores_that_vary_over_images():
    scores = np.random.default_rng(0).normal(7, 0.01, (1000, 3)).astype(np.float32)
    scale, shift = weights.head(scores)
    scaled = scores * scale + shift
    assert scaled.std(axis=0).mean() == pytest.approx(weights.SCORES, rel=1e-3)
    assert np.abs(scaled.mean(axis=0)).max() < 1e-2


def test_windows_of_volumes_go_along_three_axes():
    case = cases.Case("cnn3d64", 16, 8, "torch")
    assert case.shape == (64, 64, 64, 1)
    assert len(case.boxes()) == 7**3
    assert case.boxes()[:2].tolist() == [[0, 0, 0, 16, 16, 16], [0, 0, 8, 16, 16, 16]]
    assert case.boxes(down_first=True)[1].tolist() == [8, 0, 0, 16, 16, 16]
    volume = np.zeros(case.shape, np.float32)
    loop = contenders.plain_loop(case, volume, lambda x: x.sum(axis=(1, 2, 3)), most=50)
    assert loop.run(3).tolist() == [[16**3 * cases.FILL]] * 3


def test_made_up_images_are_coarse_patches_in_all_their_axes():
    for shape in ((28, 28, 1), (14, 28, 21, 2)):
        one, other = cases.images(2, shape)
        assert one.shape == shape
        assert np.abs(one - other).mean() > 10
        # Within a patch there is noise alone.
        patch = one[tuple(slice(0, side // 7) for side in shape[:-1])]
        assert np.ptp(patch[..., 0]) < 0.31 * 255 < np.ptp(one[..., 0])
