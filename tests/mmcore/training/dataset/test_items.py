from mmcore.training.dataset.items import Caption, MediaItem, Text
from mmcore.types import Content
from storage.schemas import Modality


def text(words: str, language: str | None) -> Text:
    """A text of one chunk."""
    return Text(words.lower(), (Caption(words, language),))


def content(name: str) -> Content:
    """A picture that need not exist."""
    return Content(name, Modality.IMAGE, "image/png", 1, "media", name, name)


def test_the_english_caption_names_an_item():
    """Of several captions the English one is the item's key; splits go by all of them."""
    item = MediaItem(1, "1", "", texts=(text("猫", "zh"), text("Cat", "en"), text("Chat", "fr")))

    assert item.caption_key == "cat"
    assert item.keys == {"猫", "cat", "chat"}
    assert [caption.text for caption in item.captions] == ["猫", "Cat", "Chat"]


def test_without_a_caption_an_item_goes_by_its_bytes():
    """Copies of one picture are on one side of a split; a text without letters is no key."""
    item = MediaItem(1, "1", "", pictures=(content("b"), content("a")), texts=(Text("", ()),))

    assert item.caption_key == ""
    assert item.keys == {"content/a"}


def test_an_item_has_what_it_has():
    """Presence is told as picture, text, sound."""
    assert MediaItem(1, "1", "", pictures=(content("a"),)).has == (True, False, False)
    assert MediaItem(1, "1", "", texts=(text("a", None),)).has == (False, True, False)
    assert MediaItem(1, "1", "", sounds=(content("a"),)).has == (False, False, True)


def test_all_files_of_an_item_may_leak():
    """Beside captions, which alone decide a split, all pictures and sounds count."""
    pictures = (content("b"), content("a"))
    item = MediaItem(1, "1", "", pictures, (content("c"),), (text("Cat", "en"),))

    assert item.keys == {"cat"}
    assert item.leaks == {"cat", "content/a", "content/b", "content/c"}
