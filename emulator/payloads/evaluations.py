"""Request bodies of the noun Evaluations."""

from pydantic import Field

from emulator.payloads.common import EntityCreate, EntityReference, Payload, ProjectEntityUpdate, Text

RESULTS = (
    "wordErrorRate", "sentenceErrorRate", "sentenceCount", "wordCount", "correctWordCount",
    "wordSubstitutionCount", "wordDeletionCount", "wordInsertionCount",
)  # fmt: skip
"""What definition EvaluationProperties has for each of the two models, but for the number at its end."""


class EvaluationProperties(Payload):
    """Definition EvaluationProperties: all but `email` are results."""

    read_only = frozenset({"error", *(f"{name}{model}" for name in RESULTS for model in (1, 2))})

    email: str | None = None


class EvaluationCreate(EntityCreate):
    """Definition Evaluation, as operation Evaluations_Create takes it."""

    locale: Text
    model1: EntityReference
    model2: EntityReference
    dataset: EntityReference
    transcription1: EntityReference | None = None
    transcription2: EntityReference | None = None
    project: EntityReference | None = None
    properties: EvaluationProperties = Field(default_factory=EvaluationProperties)


class EvaluationUpdate(ProjectEntityUpdate):
    """Definition EvaluationUpdate."""
