"""Request bodies of the noun Evaluations."""

from pydantic import Field

from emulator.payloads.common import EntityCreate, EntityReference, Payload, ProjectEntityUpdate, Text

RESULTS = (
    "wordErrorRate", "sentenceErrorRate", "sentenceCount", "wordCount", "correctWordCount",
    "wordSubstitutionCount", "wordDeletionCount", "wordInsertionCount",
)  # fmt: skip
"""What definition EvaluationProperties has for each of the two models, but for the number at its end."""
TOKEN_RESULTS = (
    "tokenErrorRate", "tokenCount", "correctTokenCount", "tokenSubstitutionCount", "tokenDeletionCount",
    "tokenInsertionCount",
)  # fmt: skip
"""What it has besides in the versions named by their date, and `tokenErrors`."""
_MODELS = (1, 2)


class DatedEvaluationProperties(Payload):
    """Definition EvaluationProperties of the versions named by their date: all of it are results."""

    read_only = frozenset(
        {"error", *(f"{name}{model}" for name in (*RESULTS, *TOKEN_RESULTS, "tokenErrors") for model in _MODELS)}
    )


class EvaluationProperties(DatedEvaluationProperties):
    """Definition EvaluationProperties: all but `email` are results."""

    read_only = frozenset({"error", *(f"{name}{model}" for name in RESULTS for model in _MODELS)})

    email: str | None = None


class DatedEvaluationCreate(EntityCreate):
    """Definition Evaluation, as operation Evaluations_Create of the versions named by their date takes it."""

    locale: Text
    model1: EntityReference
    model2: EntityReference
    dataset: EntityReference
    transcription1: EntityReference | None = None
    transcription2: EntityReference | None = None
    project: EntityReference | None = None
    properties: DatedEvaluationProperties = Field(default_factory=DatedEvaluationProperties)


class EvaluationCreate(DatedEvaluationCreate):
    """Definition Evaluation, as operation Evaluations_Create takes it."""

    properties: EvaluationProperties = Field(default_factory=EvaluationProperties)


class EvaluationUpdate(ProjectEntityUpdate):
    """Definition EvaluationUpdate."""
