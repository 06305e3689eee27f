import type { Support } from 'lmapp-kit'
import { commonDialect, type Dialect } from '../openai-wire/index.ts'

/** What is known of the engine behind an address, beyond that it speaks OpenAI. */
export interface Engine {
  dialect: Dialect
  /** Paths under the root that tell its version, newest first. */
  versionPaths: readonly string[]
  /** Whether `prompt_tokens` is known to be the whole prompt, so that too few prove that it was cut. */
  countsPrompt: boolean
  /** Whether `/models` names all that it serves. Some answer for any name with the one model they have. */
  listsAll: boolean
  /** Whether what it lists is in memory. */
  listsLoaded: boolean
  /** Whether it enforces a schema by a grammar. */
  schema: Support
}

const { settings } = commonDialect

/** Settings and continuation as in the `ChatCompletionRequest` of its OpenAI entry point. */
const vllm: Engine = {
  dialect: {
    ...commonDialect,
    engine: 'vLLM',
    settings: { ...settings, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repetition_penalty' },
    reasoningSwitch: 'enable_thinking',
    continuation: { add_generation_prompt: false, continue_final_message: true },
  },
  versionPaths: ['/version'],
  countsPrompt: true,
  listsAll: true,
  listsLoaded: true,
  schema: 'yes',
}

/** As in `srt/entrypoints/openai/protocol.py` of SGLang. */
const sglang: Engine = {
  ...vllm,
  dialect: { ...vllm.dialect, engine: 'SGLang', continuation: { continue_final_message: true } },
  versionPaths: ['/server_info', '/get_server_info'],
}

/** It goes on with a last assistant message by itself. */
const llamaServer: Engine = {
  ...vllm,
  dialect: {
    ...commonDialect,
    engine: 'llama-server',
    settings: { ...settings, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repeat_penalty' },
    reasoningEffort: false,
    reasoningSwitch: 'enable_thinking',
  },
  versionPaths: [],
  listsLoaded: false,
}

/** Its own adapter knows more; through this door it cuts a prompt that is too long, and only its count tells. */
const ollama: Engine = {
  dialect: { ...commonDialect, engine: 'Ollama' },
  versionPaths: ['/api/version'],
  countsPrompt: true,
  listsAll: false,
  listsLoaded: false,
  schema: 'yes',
}

export const unknownEngine: Engine = {
  dialect: commonDialect,
  versionPaths: [],
  countsPrompt: false,
  listsAll: false,
  listsLoaded: false,
  schema: 'unknown',
}

const byOwner: Readonly<Record<string, Engine>> = { vllm, sglang, llamacpp: llamaServer, library: ollama }

/** By the header `server`, and by how the entries of its list are signed; nothing else need be asked. */
export function recogniseEngine({ server, owners }: { server: string; owners: readonly string[] }): Engine {
  if (/^llama\.cpp/i.test(server)) return llamaServer
  const [owner, ...others] = new Set(owners)
  return (others.length === 0 && owner !== undefined && byOwner[owner]) || unknownEngine
}
