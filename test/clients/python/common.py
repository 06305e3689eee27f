"""What the clients share."""

from typing import Literal

from pydantic import BaseModel

WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER_RESULT = "Rain, 12 degrees."


class Mood(BaseModel):
    mood: Literal["happy", "sad"]
    score: int


def describe(error, own):
    status = getattr(error, "status_code", None)
    told = {"own": isinstance(error, own), "name": type(error).__name__, "message": str(error)}
    # Only the errors of the OpenAI client have it.
    if isinstance(getattr(error, "param", None), str):
        told["field"] = error.param
    # The Ollama client has -1 where there was no status.
    return {**told, "status": status} if isinstance(status, int) and status > 0 else told
