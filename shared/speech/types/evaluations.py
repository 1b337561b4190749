"""Evaluations: two models compared on a dataset (definitions Evaluation, EvaluationUpdate and EvaluationProperties)."""

from pydantic import Field

from shared.speech.types.common import EntityError, EntityReference, Model, StatefulEntity


class EditsSummary(Model):
    """Errors of one kind (2024-11-15 and newer)."""

    number_of_edits: int | None = None
    percentage_of_all_edits: float | None = None


class TokenErrorDetails(Model):
    """What the errors of tokens are about (2024-11-15 and newer)."""

    punctuation: EditsSummary | None = None
    capitalization: EditsSummary | None = None
    inverse_text_normalization: EditsSummary | None = None
    lexical: EditsSummary | None = None
    others: EditsSummary | None = None


class EvaluationProperties(Model):
    """`email` can be given; all else is read only. Rates are 0 to 1, tokens come with API version 3.2 and newer."""

    word_error_rate1: float | None = None
    sentence_error_rate1: float | None = None
    sentence_count1: int | None = None
    word_count1: int | None = None
    correct_word_count1: int | None = None
    word_substitution_count1: int | None = None
    word_deletion_count1: int | None = None
    word_insertion_count1: int | None = None
    token_error_rate1: float | None = None
    token_count1: int | None = None
    correct_token_count1: int | None = None
    token_substitution_count1: int | None = None
    token_deletion_count1: int | None = None
    token_insertion_count1: int | None = None
    token_errors1: TokenErrorDetails | None = None
    word_error_rate2: float | None = None
    sentence_error_rate2: float | None = None
    sentence_count2: int | None = None
    word_count2: int | None = None
    correct_word_count2: int | None = None
    word_substitution_count2: int | None = None
    word_deletion_count2: int | None = None
    word_insertion_count2: int | None = None
    token_error_rate2: float | None = None
    token_count2: int | None = None
    correct_token_count2: int | None = None
    token_substitution_count2: int | None = None
    token_deletion_count2: int | None = None
    token_insertion_count2: int | None = None
    token_errors2: TokenErrorDetails | None = None
    email: str | None = None
    """API versions 3.1 and 3.2."""
    error: EntityError | None = None


class NewEvaluation(Model):
    """What is created."""

    display_name: str = Field(min_length=1)
    locale: str = Field(min_length=1)
    model1: EntityReference
    model2: EntityReference
    dataset: EntityReference
    transcription1: EntityReference | None = None
    transcription2: EntityReference | None = None
    project: EntityReference | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    """Up to 10; keys up to 64 characters, values up to 256."""
    properties: EvaluationProperties | None = None


class EvaluationUpdate(Model):
    """What can be changed; only the fields that are given are sent, None as null."""

    display_name: str | None = None
    description: str | None = None
    project: EntityReference | None = None
    custom_properties: dict[str, str] | None = None


class EvaluationLinks(Model):
    """Where the files are listed."""

    files: str | None = None


class Evaluation(StatefulEntity):
    """An evaluation as the service has it."""

    display_name: str
    locale: str
    model1: EntityReference
    model2: EntityReference
    dataset: EntityReference
    transcription1: EntityReference | None = None
    transcription2: EntityReference | None = None
    description: str | None = None
    project: EntityReference | None = None
    links: EvaluationLinks | None = None
    properties: EvaluationProperties | None = None
    custom_properties: dict[str, str] | None = None
