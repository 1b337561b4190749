"""The noun ServiceHealth."""

from aiohttp import web

from emulator.app import Call, answer


class ServiceHealth:
    """Operation ServiceHealth_Get."""

    async def get(self, _: Call) -> web.Response:
        """The service is healthy whenever it answers; faults are for the operations."""
        component = {"name": "SpeechEmulator", "type": "Emulator", "status": "Healthy", "message": ""}
        return answer({"status": "Healthy", "message": "The emulator is running.", "components": [component]})
