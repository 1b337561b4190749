"""Which channels of a file are recognized."""

from emulator.engines.protocol import AudioRejectedError, RecognitionRequest


def wanted_channels(request: RecognitionRequest, channels: int) -> list[int]:
    """The wanted ones of the channels that the audio has, in order.

    AudioRejectedError of kind `InvalidData` where there are none, or for diarization of audio with several channels.
    """
    if request.diarization and channels > 1:
        message = f"Diarization needs audio of one channel; this file has {channels}."
        raise AudioRejectedError("InvalidData", message)
    wanted = [channel for channel in sorted(set(request.channels)) if 0 <= channel < channels]
    if not wanted:
        message = f"The audio has none of the channels {sorted(set(request.channels))}: it has {channels}, from 0 on."
        raise AudioRejectedError("InvalidData", message)
    return wanted
