import { type Backend, type ChatRequest, createChannel, type Finish, type LmappError, type Part } from 'lmapp-kit'

/** A chat that a test answers, part by part. */
export interface Dictation {
  request: ChatRequest
  say(text: string): Promise<void>
  push(part: Part): Promise<void>
  finish(reason?: Finish['reason']): Promise<void>
  fail(error: LmappError): void
}

/** A backend of the contract whose answers are dictated by the test. */
export interface DictatedBackend {
  backend: Backend
  /** The next chat that was not taken yet. */
  nextChat(): Promise<Dictation>
}

export function createDictatedBackend(): DictatedBackend {
  const chats: Dictation[] = []
  const waiting: ((chat: Dictation) => void)[] = []

  async function* chat(request: ChatRequest, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Part> {
    const channel = createChannel<Part>({ capacity: 1024 })
    const push = (part: Part) => channel.push(part)
    const cancel = () => void push({ type: 'finish', reason: 'cancelled', usage: {} })
    channel.closed.addEventListener('abort', () => channel.end())
    signal?.addEventListener('abort', cancel)
    const dictation: Dictation = {
      request,
      push,
      say: (text) => push({ type: 'text-delta', text }),
      finish: (reason = 'stop') => push({ type: 'finish', reason, usage: { inputTokens: 3, outputTokens: 2 } }),
      fail: (error) => channel.fail(error),
    }
    const next = waiting.shift()
    if (next) next(dictation)
    else chats.push(dictation)
    for await (const part of channel.items) {
      yield part
      if (part.type === 'finish') return
    }
  }

  return {
    backend: {
      start: async () => {},
      stop: async () => {},
      isRunning: async () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
      listModels: async () => [{ id: 'tiny', path: '/models/tiny.gguf', loaded: true }],
      getInfo: async () => ({
        name: 'dictated',
        version: '1',
        interfaceVersion: '1.0',
        capabilities: { chat: 'yes', vision: 'yes' },
      }),
      chat,
      [Symbol.asyncDispose]: async () => {},
    },
    nextChat() {
      const chat = chats.shift()
      return chat ? Promise.resolve(chat) : new Promise((resolve) => waiting.push(resolve))
    },
  }
}
