import type { Backend } from '../backend.ts'
import type { ChatOptions } from '../chat-request.ts'
import type { RequirementId } from './requirements.ts'

/** What the suite needs to know to judge a backend. */
export interface BackendHarness {
  name: string
  /** A new backend, not started. Called several times; the suite disposes what it got. */
  open(): Promise<Backend>
  /** A model that chats, whose answers are the same each time at temperature 0. */
  model: string
  /** Models that can do what `model` cannot. Default: `model`, where it says that it can. */
  toolModel?: string
  schemaModel?: string
  visionModel?: string
  reasoningModel?: string
  embedModel?: string
  /** A small model that is not there, and may be pulled and removed. */
  pullableModel?: string
  /** A setting that this engine has no way to honour. */
  unsupportedSetting?: { name: keyof ChatOptions; options: ChatOptions }
  /** For backends that can be scripted: the model that shows each fault. */
  scenarios?: Partial<Record<ScenarioName, string>>
  prompts?: Partial<Prompts>
  /** Requirements that are known not to hold, each with its reason. One that holds fails. */
  skip?: readonly { requirement: RequirementId; reason: string }[]
  /** Milliseconds for one requirement. Default 60,000. */
  deadlineMs?: number
}

/** In mid-stream, each after at least one token: `drop`, `cleanEnd`, `error`, `malformed`, `stall`. The others before any. */
export type ScenarioName =
  | 'slowLoad'
  | 'loadFails'
  | 'drop'
  | 'cleanEnd'
  | 'error'
  | 'malformed'
  | 'stall'
  | 'hang'
  | 'refuse'
  | 'failAtOnce'

export type Stimulus = `scenarios.${ScenarioName}` | 'pullableModel' | 'unsupportedSetting'

export interface Prompts {
  /** Its answer has at least 16 tokens. */
  question: string
  /** Two more of that kind, with other answers. */
  others: [string, string]
  /** Its answer ends by itself, soon. */
  short: string
  /** Its answer goes on for hundreds of tokens. */
  long: string
  /** Its answer is likely to hold characters outside ASCII. */
  characters: string
  /** It is best answered by calling the tool `get_weather`. */
  tool: string
  /** It does not fit a context of 512 tokens by far. */
  overflow: string
}

export const defaultPrompts: Prompts = {
  question: 'Write three sentences about the sea.',
  others: ['Write down the names of the twelve months.', 'Explain how bread is baked.'],
  short: 'Say hello.',
  long: 'Write a long story about a lighthouse keeper and a cat, with many chapters. Never stop.',
  characters: 'Repeat exactly: 🐟 é 漢字 👩‍👧 🙂🙂🙂 Ω',
  tool: 'What is the weather in Paris right now? Use the tool.',
  overflow: 'The quick brown fox jumps over the lazy dog. '.repeat(2000),
}
