"""Tests of mmcore/media/texts/charset.py."""

import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import MediaError
from mmcore.media.texts.charset import decode

SIMPLIFIED = "一只绿色的青蛙坐在荷叶上，叫了一整天。"
TRADITIONAL = "一隻綠色的青蛙坐在荷葉上，叫了一整天。"
JAPANESE = "緑色のカエルが池のそばの葉の上に座っています。"
KOREAN = "초록색 개구리가 연못 옆의 잎 위에 앉아 있다."
RUSSIAN = "Зелёная лягушка сидит на большом листе посреди старого пруда."
GERMAN = "Übermütige Frösche quaken; größer als Äpfel sind sie nicht."
POLISH = "Zażółć gęślą jaźń: żaba siedzi na liściu pośród łąki."
TURKISH = "Yeşil kurbağa göletin yanındaki yaprağın üstünde oturuyor, şimdi."
LONG_LINE = "a" * 40_000


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["青蛙", TRADITIONAL, "A frog 青蛙"])
def test_unicode_with_a_mark_or_as_utf_8(charset, text):
    """A byte order mark decides, and is no part of the text; without one UTF-8 comes first."""
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ["A green frog.\n", SIMPLIFIED, TRADITIONAL, f"Frog 青蛙 {RUSSIAN}"]
)
def test_unicode_without_a_mark(charset, text):
    """Latin text shows by its NULs, Chinese by its frequent characters."""
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize("charset", ["gb2312", "gbk", "gb18030", "hz"])
@pytest.mark.parametrize(
    "text", ["青蛙", "猫和狗", SIMPLIFIED, "iPhone 手机壳 (黑色) 5.5", "★★★ 好评！"]
)
def test_simplified_chinese(charset, text):
    """The GB family is told from all others, also short, or half Latin, or with symbols."""
    try:
        data = text.encode(charset)
    except UnicodeEncodeError:
        pytest.skip("not in this charset")
    assert decode(data) == text


@pytest.mark.parametrize("charset", ["big5", "cp950", "big5hkscs"])
@pytest.mark.parametrize(
    "text", ["青蛙", "貓和狗", TRADITIONAL, "iPhone 手機殼「黑色」", "我們在花園裡看見一隻狗"]
)
def test_traditional_chinese(charset, text):
    """Big5 is not taken for GB18030, in which nearly all of it is valid too."""
    assert decode(text.encode(charset)) == text


def test_traditional_chinese_in_gb18030():
    """The script does not decide the charset: the mainland writes traditional in GB18030."""
    assert decode(TRADITIONAL.encode("gb18030")) == TRADITIONAL


def test_characters_of_hong_kong():
    """A Cantonese character that Big5 lacks is read by its extension."""
    text = "佢哋喺度食緊嘢，好好味，真係開心。"

    with pytest.raises(UnicodeEncodeError):
        text.encode("big5")
    assert decode(text.encode("big5hkscs")) == text


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (JAPANESE, "shift_jis"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (KOREAN, "euc_kr"),
        (KOREAN, "cp949"),
        (KOREAN, "iso2022_kr"),
    ],
)
def test_japanese_and_korean_are_not_taken_for_chinese(text, charset):
    """Their bytes are valid GB18030 as well, as characters that nobody writes."""
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859_5"),
        (GERMAN, "cp1252"),
        ("Äpfel", "cp1252"),
        ("naïve café", "cp1252"),
        ("5 € each, it’s 20 °C", "cp1252"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (TURKISH, "cp1254"),
    ],
)
def test_alphabets_are_not_taken_for_chinese(text, charset):
    """Accented letters among plain ones are no characters of Big5, Cyrillic none of GB18030."""
    assert decode(text.encode(charset)) == text


@pytest.mark.parametrize("charset", ["gb18030", "big5", "utf-8"])
def test_a_clear_charset_with_broken_bytes_is_not_guessed_anew(charset):
    """A text that was cut inside a character is refused as broken, not turned into gibberish."""
    with pytest.raises(MediaError) as caught:
        decode((SIMPLIFIED if charset == "gb18030" else TRADITIONAL).encode(charset)[:-1])
    assert (caught.value.stage, caught.value.reason) == ("text", "broken-text")


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\xff\xfea", "broken-text"), (bytes(range(256)) * 4, "unknown-charset")],
)
def test_what_is_no_text_is_refused(data, reason):
    """Half a character behind a mark of UTF-16, and all bytes there are."""
    with pytest.raises(MediaError) as caught:
        decode(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_text_or_a_rejection(data):
    """No other error, and no byte stands there as half of a surrogate."""
    with suppress(MediaError):
        assert "\udc80" not in decode(data)


@given(st.text(st.characters(exclude_characters="\0\ufeff\x1b~", exclude_categories=["Cs"])))
@settings(max_examples=100, deadline=None)
def test_utf_8_comes_back(text):
    """Whatever else the bytes may be valid in."""
    assert decode(text.encode("utf-8")) == text


def test_ascii_with_a_tilde_or_an_escape_is_ascii():
    """Only East Asian characters make a charset of seven bits."""
    assert decode(b"a~{b~} \x1b[1m") == "a~{b~} \x1b[1m"


@pytest.mark.parametrize(("text", "charset"), [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5")])
def test_chinese_late_in_a_long_text(text, charset):
    """What is judged are the bytes beyond ASCII, wherever they stand."""
    whole = f"{LONG_LINE}\n{LONG_LINE}{text}\n{LONG_LINE}"

    assert decode(whole.encode(charset)) == whole


def test_deciding_needs_no_segmentation():
    """jieba, which takes a second to load, has no part in it."""
    code = (
        "import sys; from mmcore.media.texts.charset import decode;"
        f" decode({SIMPLIFIED.encode('gb18030')!r}); print('jieba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
