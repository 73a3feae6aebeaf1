"""Tests of mmcore/media/videos/packets.py."""

import av
import pytest

from mmcore.errors import MediaError
from mmcore.media.videos.packets import packets
from tests.made import videos


class Container:
    """A container that demuxes what it is given, and raises what it is given."""

    def __init__(self, *turns):
        self.turns = list(turns)

    def demux(self, streams):
        """One turn."""
        for item in self.turns.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item


def test_the_empty_packet_at_the_end_is_left_out(tmp_path):
    """PyAV's last packet, which flushes a decoder, is none of the file's."""
    path = videos.video(tmp_path / "a.mp4", 5)
    with av.open(str(path)) as container:
        found = list(packets(container, container.streams.video))

    assert len(found) == 5
    assert all(packet.size for packet in found)


def test_reading_goes_on_after_an_unknown_stream():
    """PyAV raises IndexError at each packet of a stream that appears late."""
    one, two = av.Packet(b"1"), av.Packet(b"2")
    container = Container([one, IndexError()], [IndexError()], [two])

    assert list(packets(container, [])) == [one, two]


def test_memory_that_runs_out_is_told():
    """FFmpeg's lack of memory is an error of its own, not a damaged file."""
    with pytest.raises(MediaError) as caught:
        list(packets(Container([MemoryError("no more")]), []))

    assert caught.value.reason == "out-of-memory"
