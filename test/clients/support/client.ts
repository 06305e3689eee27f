import type { Feature } from './results.ts'

/** What all clients can be asked, each in its own words. A method that is absent is something that the client has not. */
export interface Client extends AsyncDisposable {
  chat(ask: Ask): Promise<Said>
  /** Reads to the end; `onText` has each piece as it comes. Once `signal` aborts it leaves, and resolves or rejects. */
  stream(ask: Ask, options: StreamOptions): Promise<Said>
  /** Leaves a whole answer while it waits for it. */
  leaveChat?(ask: Ask, signal: AbortSignal): Promise<unknown>
  /** Offers `weather`, reads the call, sends back the result and reads the answer. */
  tools?(ask: Ask, options: { stream: boolean }): Promise<ToolRound>
  /** Shows `png` beside the prompt. */
  see?(ask: Ask): Promise<Said>
  /** Reads what the model thought and said, and asks once more with both in the conversation. */
  think?(ask: Ask, options: { stream: boolean }): Promise<Thought>
  /** Asks for an object of `moodSchema`, and reads it as the client reads such. */
  schema?(ask: Ask): Promise<unknown>
  embed?(model: string, texts: string[]): Promise<number[][]>
  /** Tokens of the prompt. */
  count?(ask: Ask): Promise<number>
  /** Ids of the models that are listed. */
  models?(): Promise<string[]>
  /** Sends a field of the wrong type. */
  wrongField?(model: string): Promise<unknown>
  /** What an error of the client tells. */
  describeError(error: unknown): ErrorTold
}

export interface Ask {
  model: string
  prompt: string
  maxTokens?: number
  /** How often the client tries again by itself. Default 0. */
  retries?: number
}

export interface StreamOptions {
  onText?: (text: string) => void
  signal?: AbortSignal
}

export interface Said {
  text: string
  /** Why it ended, in the words of the dialect. */
  stop?: string | null | undefined
  inputTokens?: number | null | undefined
  outputTokens?: number | null | undefined
}

export interface ToolRound {
  name: string
  arguments: unknown
  /** Why the first answer ended. */
  stop?: string | null | undefined
  answer: string
}

export interface Thought {
  /** What it thought, under each name that the dialect has for it. */
  reasoning: unknown[]
  text: string
  /** What came to the second question. */
  answer: string
}

export interface ErrorTold {
  /** Whether it is of the class by which the client tells what the server said. */
  own: boolean
  name: string
  status?: number | undefined
  message: string
  /** The field of the request, where the dialect has a place for its name. */
  field?: string | null | undefined
}

export type Extra =
  | 'leaveChat'
  | 'tools'
  | 'see'
  | 'think'
  | 'schema'
  | 'embed'
  | 'count'
  | 'models'
  | 'wrongField'
  | 'retries'

/** A client as the table shows it, and how it is brought to a service. */
export interface Subject {
  /** Row of the table. */
  name: string
  /** What of npm or PyPI it is made of. */
  packages: readonly string[]
  registry: 'npm' | 'PyPI'
  dialect: 'OpenAI' | 'Anthropic' | 'Ollama'
  /** An SDK is asked everything, a framework the main things. */
  kind: 'sdk' | 'framework'
  /** Finish reasons of a good end, of the length limit, and of a tool call; null: it tells none. */
  stops: { end: string; length: string; tools: string } | null
  /** What it has of the methods that not all have; `retries`: it tries again by itself. */
  has: readonly Extra[]
  /** Features that have no sense for it. */
  skips?: readonly Feature[]
  /** What it does not do by itself, as `feature: case`, and why. Such a case must fail. */
  shortcomings?: Readonly<Record<string, string>>
  /** Without a key it shows one that nobody knows, as many clients insist on some. */
  open(address: string, key?: string): Promise<Client>
}

export const weather = {
  name: 'get_weather',
  description: 'Tells the weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
} as const

/** What the tool gives, and what the model then answers. */
export const weatherResult = 'Rain, 12 degrees.'
export const weatherAnswer = 'Take an umbrella.'

export const moodSchema = {
  type: 'object',
  properties: { mood: { type: 'string', enum: ['happy', 'sad'] }, score: { type: 'integer' } },
  required: ['mood', 'score'],
  additionalProperties: false,
} as const

/** An image of one pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** For clients that have nothing to close. */
export const nothingToClose = { async [Symbol.asyncDispose]() {} }
