/** A commented file to begin with, in which everything still has its default. `schema`: where `config.schema.json` is. */
export function createDefaultConfigText(schema = './config.schema.json'): string {
  return `{
  "$schema": ${JSON.stringify(schema)},

  // Default model: an alias, backend/model, or the name of a model.
  // "model": "best",

  // Names of your own. The first candidate that works answers.
  // "aliases": { "best": ["ollama/qwen3:4b", "smollm2-135m"] },

  // Engines, besides those that are found by themselves.
  // "backends": {
  //   "box1": { "type": "openai-compatible", "url": "http://10.0.0.5:8000/v1", "apiKeyEnv": "BOX1_KEY" }
  // },

  // GGUF files of Ollama, LM Studio and the Hugging Face cache are used where they are; so are those in:
  // "models": { "folders": ["/data/models"] },

  // How long the background service stays when nothing is asked of it.
  // "service": { "keepAlive": "5m" }
}
`
}
