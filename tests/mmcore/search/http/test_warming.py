"""What is there before anybody asks."""

import pytest

from mmcore.decoding import pool
from mmcore.search.asking import apart
from mmcore.search.http.warming import warm_uploads
from tests import media
from tests.lakes import make_lake, towers
from tests.mmcore.search.http.conftest import Place, asking


@pytest.fixture
def started(monkeypatch):
    """The decoding processes that were started, from none on."""
    found = []
    real = pool.Process

    def starting(module, variables):
        found.append(module)
        return real(module, variables)

    apart._POOL.close()
    monkeypatch.setattr(pool, "Process", starting)
    yield found
    apart._POOL.close()


def test_the_first_upload_finds_a_decoding_process(place, started, tmp_path):
    """It was started when the server was, in the background, and nobody counts it as an upload."""
    picture = media.png(tmp_path / "red.png")
    with asking(place, warm=True) as client:
        client.app.state.serving._warming.close(60)
        assert started == ["mmcore.search.asking.decoder"]
        assert "mmindex_decode_seconds_count 0.0" in client.get("/metrics").text

        answer = client.post("/api/search/media", content=picture.read_bytes())

    assert answer.status_code == 200
    assert len(started) == 1


def test_nothing_is_started_where_no_picture_can_ask(tmp_path, plugged, started):
    """As in a lake of texts."""
    snapshot = make_lake(tmp_path, {"note": {"n.txt": "a red wall"}}, towers()[:1])
    place = Place(snapshot, tmp_path / "lake", tmp_path / "media")
    with asking(place) as client:
        warm_uploads(client.app.state.serving.served())

    assert started == []
