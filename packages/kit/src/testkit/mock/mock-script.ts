import type { ErrorCode } from '../../errors/error-table.ts'

export const faultKinds = [
  'drop',
  'clean-end',
  'error',
  'malformed',
  'stall',
  'hang',
  'refuse',
  'fail-at-once',
  'crash-process',
] as const

/**
 * `drop`: the connection breaks; `clean-end`: the stream ends without its marker; `error`: the engine reports an error;
 * `malformed`: a line that is no message; `stall`: nothing more comes; each of these after `afterTokens`.
 * `hang`: nothing ever comes; `refuse`: the engine will not take the request; `fail-at-once`: it answers with an error.
 * `crash-process`: after `afterTokens` the process that runs the mock kills itself with SIGKILL.
 */
export type FaultKind = (typeof faultKinds)[number]

export interface MockFault {
  kind: FaultKind
  /** Tokens of the answer that arrive first. Default 3. */
  afterTokens?: number
  /** The error's code instead of the usual one of this kind. */
  code?: ErrorCode
  /** Only so many chats meet the fault; later ones do not. Absent: all. */
  times?: number
}

/** How one model of the mock behaves. Plain JSON, so that it can stand under `backends.<id>.models` in the configuration. */
export interface MockScript {
  /** What it answers. `{question}`, `{system}` and `{turns}` are filled in from the request. Default `{question}`: it echoes. */
  reply?: string
  /** The answer is made this long by saying the reply again and again. */
  repeatTokens?: number
  /** Milliseconds a token. Default 0: as fast as it is read. */
  paceMs?: number
  /** Another way to say `paceMs`. */
  tokensPerSecond?: number
  /** Milliseconds for reading the prompt, reported in four steps. */
  promptMs?: number
  /** The first chat waits for the model to load. `fail`: it fails after the last step. */
  load?: { steps: number; stepMs: number; fail?: boolean }
  fault?: MockFault
  /** Tokens of prompt and answer together. Default 32768, and room for `repeatTokens`. */
  contextLength?: number
  /** Makes it a reasoning model that thinks this. */
  reasoningText?: string
  /** Makes it a model with tools, which calls this one when it is given. */
  toolCall?: { name: string; arguments: string | Record<string, unknown> }
  /** It names type and size of each image before the reply. Default: images are refused. */
  seesImages?: boolean
  /** Whether it can go on with a partial answer. Default true. */
  continue?: boolean
  /** Whether it can answer under a JSON Schema, with the smallest instance. Default true. */
  schema?: boolean
  /** Whether it tells log probabilities where they are asked for. Default false. */
  logprobs?: boolean
  /** Chats side by side; others queue. Default 4. */
  parallel?: number
  /** Makes it a model that embeds, with vectors of this length. */
  embedDimensions?: number
  /** `false`: it must be pulled first. Default true. */
  installed?: boolean
}
