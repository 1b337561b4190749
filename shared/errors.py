"""The app's errors, drawn as a tree.

DropscribeError
├── SettingsError          a setting is missing or wrong; the app cannot work until it is mended
├── OptionsError           a file's options are wrong: that file fails, nothing else
├── ManifestError          a manifest is wrong: that manifest fails, nothing else
├── ResourceNotConfiguredError  a job lives at a Speech resource that the settings no longer name
├── BlobMissingError       there is no such blob to lease
└── StorageConditionError  a blob was not as expected; somebody else was faster
    ├── LeaseHeldError     somebody else holds the lease
    └── LeaseLostError     the lease ended while its holder still worked

Errors of the Speech client (`shared.speech.errors`), of result files (`shared.transcripts`) and of web hook
notifications (`shared.notifications`) have trees of their own, because those packages stand alone.
"""


class DropscribeError(Exception):
    """Base of the app's own errors; the text is fit for an operator to read and holds no secret."""


class SettingsError(DropscribeError):
    """One or more settings are missing or wrong; `problems` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class OptionsError(DropscribeError):
    """The options of one audio file cannot be used; the text says where they stand and what is accepted."""


class ManifestError(DropscribeError):
    """A manifest cannot be used; the text says what is wrong in it."""


class ResourceNotConfiguredError(DropscribeError):
    """A job lives at a Speech resource that is no longer among the app's."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(f"{endpoint} is not among SPEECH_ENDPOINT and SPEECH_MORE_ENDPOINTS")
        self.endpoint = endpoint


class BlobMissingError(DropscribeError):
    """The blob whose lease was asked for does not exist."""


class StorageConditionError(DropscribeError):
    """A conditional write or delete was refused because the blob is not in the expected state."""


class LeaseHeldError(StorageConditionError):
    """The blob's lease is held by somebody else."""


class LeaseLostError(StorageConditionError):
    """The lease could not be renewed: another holder may be at work, so this one must stop."""
