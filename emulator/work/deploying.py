"""What the deployment of an endpoint does while it is Running: adapt its model with its text, if it has any."""

import shutil
from pathlib import Path

from emulator.content import JobError
from emulator.engines.protocol import AdaptationError, AdaptationRequest, AdaptingEngine, Engine
from emulator.jobs import Done, Progress
from emulator.models import KnownModels
from emulator.records import Endpoint, ModelPath
from emulator.store import Store
from emulator.threads import in_thread


class Deployer:
    """Runs deployments."""

    def __init__(self, *, store: Store, engine: Engine, models: KnownModels) -> None:
        self._store = store
        self._engine = engine
        self._models = models

    async def run(self, endpoint: Endpoint, _: Progress) -> Done:
        """Put the endpoint's model to work; raises JobError where its text cannot be used."""
        if endpoint.text is not None and endpoint.model != endpoint.deployed:
            await self._adapt(endpoint, endpoint.text)
        return Done([], {"deployed": endpoint.model})

    async def _adapt(self, endpoint: Endpoint, text: str) -> None:
        if not isinstance(self._engine, AdaptingEngine):
            raise JobError("InvalidAdaptationMapping", "This engine cannot be adapted with text.")
        to = adapted_folder(self._store, endpoint, endpoint.model)
        sentences = to.with_suffix(".txt")

        def prepare() -> None:
            shutil.rmtree(to, ignore_errors=True)
            to.mkdir(parents=True)
            sentences.write_text(text, encoding="utf-8")

        await in_thread(lambda _: prepare())
        base = self._models.folder(endpoint.model)
        try:
            await self._engine.adapt(AdaptationRequest(endpoint.locale, to, base=base, sentences=sentences))
        except AdaptationError as error:
            raise JobError("InvalidAdaptationMapping", str(error)) from None


def deployed_folder(store: Store, models: KnownModels, endpoint: Endpoint) -> Path | None:
    """The folder of the model that an endpoint works with; None is the base model."""
    if endpoint.deployed is not None and endpoint.text is not None:
        return adapted_folder(store, endpoint, endpoint.deployed)
    return models.folder(endpoint.deployed)


def adapted_folder(store: Store, endpoint: Endpoint, model: ModelPath) -> Path:
    """Where a model lies that is adapted with an endpoint's text."""
    return store.folder(endpoint.id) / model.replace("/", "-")
