from functools import partial

from mmcore.privacy import Veil, untold
from mmcore.types import Content, Item, MediaFile, Rejection, Source
from storage.keys import keyed
from storage.schemas import Modality

NAME = "trips/猫 with anna.jpg"
VEIL = Veil(partial(keyed, b"k" * 32))
FILE = MediaFile("media", NAME, "c1", Modality.IMAGE, "image/jpeg", 7, 8)


def test_a_path_is_hashed_under_the_lakes_key_and_its_root():
    """Equal paths have one hash in one lake; another key, root or path has another."""
    other = Veil(partial(keyed, b"K" * 32))
    hashes = {VEIL.path("media", NAME), VEIL.path("other", NAME), other.path("media", NAME)}

    assert VEIL.path("media", NAME) == VEIL.path("media", NAME)
    assert len({*hashes, VEIL.path("media", NAME + "x")}) == 4
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in hashes)


def test_a_name_that_is_not_utf_8_is_hashed_by_its_bytes():
    """Names that differ in such bytes alone are told apart."""
    assert VEIL.path("media", "a\udcff") != VEIL.path("media", "a\udcfe")


def test_an_item_has_a_hashed_key_and_an_id_of_it():
    """Neither key nor files name anything; labels and columns are the user's own and stay."""
    item = Item("media", "trips/猫", (FILE,), ("water",), None, {"note": "seen"})
    hidden = VEIL.item(item)

    assert hidden.item_id != item.item_id
    assert hidden.item_id == VEIL.item(item).item_id
    assert (hidden.labels, hidden.columns) == (item.labels, item.columns)
    assert "猫" not in f"{hidden}"
    assert hidden.files == (VEIL.file(FILE),)


def test_known_files_are_found_by_their_real_path():
    """The lake has hashes; a crawl asks by the path it sees, and gets the file under it."""
    hidden = VEIL.file(FILE)
    known = VEIL.known({hidden.path: hidden}, "media")

    assert known[NAME] == FILE
    assert known.get("elsewhere.jpg") is None
    assert (len(known), list(known)) == (1, [hidden.path])


def test_a_rejection_loses_its_message():
    """Decoders quote names and texts; stage, reason and decoder say enough."""
    rejection = Rejection("media", NAME, "c1", "image", "decode-error", f"{NAME} ends", "pillow 1")
    hidden = VEIL.rejection(rejection)

    assert (hidden.path, hidden.message) == (VEIL.path("media", NAME), "")
    assert (hidden.stage, hidden.reason, hidden.decoder) == ("image", "decode-error", "pillow 1")
    assert untold(rejection).path == NAME


def test_a_content_can_still_be_read():
    """Where it lies stays for the run; what messages would quote does not."""
    content = Content("c1", Modality.IMAGE, "image/jpeg", 7, "media", NAME, f"/home/{NAME}")
    hidden = VEIL.content(content)

    assert (hidden.path, hidden.location) == (VEIL.path("media", NAME), f"/home/{NAME}")


def test_only_a_folders_own_name_is_hidden_as_an_alias():
    """An alias that the user chose stays, and an alias that is a hash already is such a one."""
    own, chosen = Source("anna", "/home/anna"), Source("photos", "/home/anna")
    hidden = VEIL.source(own, "anna")

    assert VEIL.source(chosen, "anna") == chosen
    assert (hidden.alias != "anna", len(hidden.alias)) == (True, 12)
    assert VEIL.source(Source(hidden.alias, "/moved/anna"), "anna").alias == hidden.alias
    assert "anna" not in VEIL.placed(hidden).url


def test_a_caption_without_words_has_no_key():
    """What says nothing equals nothing: its key stays empty and is no hash."""
    assert VEIL.caption("") == ""
    assert VEIL.caption("a cat") != VEIL.caption("a dog")
