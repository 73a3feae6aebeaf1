from mmcore.training.loop.trials import changed, differences, said

WON = {
    "by_scores": True,
    "text_ridge": 0.3,
    "half": False,
    "hubness": {"media": 0.0, "texts": 0.7},
}


def test_settings_are_said_without_those_that_are_off():
    """A switch is its name, a number stands behind it, what lies deeper is said by its parts."""
    assert said(WON) == "by scores, text ridge 0.3, hubness media=0 texts=0.7"
    cca = {"cca": {"logmel": {"dims": 128, "share": 0.1}, "views": {"dims": 8}}}
    assert said(cca) == "cca logmel dims=128 share=0.1, cca views dims=8"
    assert said({"hidden": [512, 256], "rate": 2e-3}) == "hidden 512-256, rate 0.002"
    assert said({"half": False, "text_ridge": None, "share": 0.0, "cca": {}}) == ""


def test_what_is_otherwise_is_said_and_what_is_gone():
    """Nothing of what is the same."""
    assert changed({**WON, "text_ridge": 1.0}, WON) == "text ridge 1"
    assert changed({"text_ridge": None}, WON) == "not by scores, no text ridge, no hubness"
    assert changed(WON, WON) == ""


def test_trials_of_one_name_are_told_apart_by_what_the_winner_has_not():
    """The winner says all; one that has no settings says none."""
    names = ["ridge", "ridge", "whisper: left out"]

    how = differences(names, [{**WON, "half": True}, WON, {}], 1)

    assert how == ["half", "by scores, text ridge 0.3, hubness media=0 texts=0.7", ""]


def test_trials_of_different_names_say_their_own_settings():
    """A network has nothing in common with weights."""
    how = differences(
        ["mean", "weighted", "mlp"], [{}, {"weights": {"image": 2.0}}, {"dim": 8}], 1
    )

    assert how == ["", "weights image=2", "dim 8"]
