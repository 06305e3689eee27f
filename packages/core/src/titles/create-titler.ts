import { isLmappError } from 'lmapp-kit'
import type { Config } from '../config/config.ts'
import type { Run, RunManager, RunRequest } from '../runs/run.ts'
import type { Store } from '../store/store.ts'
import { toCleanTitle } from './clean-title.ts'

export interface TitlerOptions {
  store: Pick<Store, 'getConversation' | 'setAutomaticTitle'>
  runs: Pick<RunManager, 'start' | 'active'>
  config: () => Promise<Config>
  /** Told of what went wrong: a title is never worth more than a line in the log. */
  log: (line: string) => void
  /** Milliseconds without any run before a model is asked for a title. */
  idleMs?: number
}

/** Gives conversations a title by the model that answered, once each, while nobody wants anything else of it. */
export interface Titler extends Disposable {
  /** The answer of this run is stored. */
  answered(run: Run, request: RunRequest): void
  /** A run began or ended. */
  activity(): void
}

interface Wanted {
  run: Run
  request: RunRequest
}

const defaultIdleMs = 3_000
/** Of a question and of an answer, as the model reads them for the title. */
const longestExcerpt = 2_000
const instruction =
  'Give this conversation a title of two to six words, in its own language. Answer with the title only, without quotes.'

export function createTitler(options: TitlerOptions): Titler {
  const { store, runs, idleMs = defaultIdleMs } = options
  const waiting = new Map<string, Wanted>()
  let timer: NodeJS.Timeout | undefined
  let asking: Run | undefined
  let disposed = false

  const schedule = () => {
    clearTimeout(timer)
    timer = undefined
    if (disposed || waiting.size === 0 || asking || runs.active > 0) return
    timer = setTimeout(() => void next(), idleMs).unref()
  }

  const next = async () => {
    const [entry] = waiting
    if (!entry || runs.active > 0) return
    const [id, wanted] = entry
    waiting.delete(id)
    try {
      const title = await ask(wanted)
      if (title !== undefined) await store.setAutomaticTitle(id, title)
    } catch (error) {
      if (!isLmappError(error)) throw error
      options.log(`no title for ${id}: ${error.message}`)
    }
    schedule()
  }

  /** Undefined when the model found none, or when somebody else needed it. */
  const ask = async ({ run, request }: Wanted): Promise<string | undefined> => {
    const conversation = await store.getConversation(run.message, run.owner)
    const turns = conversation.messages.map(({ role, text }) => ({
      role,
      content: [{ type: 'text' as const, text: text.slice(0, longestExcerpt).toWellFormed() }],
    }))
    asking = await runs.start({
      kind: 'ask',
      owner: run.owner,
      environment: request.environment,
      model: run.model,
      messages: turns,
      content: [{ type: 'text', text: instruction }],
      options: { maxTokens: 32, temperature: 0 },
      reasoning: false,
      save: false,
      failover: false,
      allowFetch: false,
      offline: true,
    })
    let text = ''
    try {
      for await (const { event } of asking.events({ from: 0 })) if (event.type === 'text-delta') text += event.text
      const end = await asking.ended
      return end.state === 'complete' || end.state === 'length' ? toCleanTitle(text) : undefined
    } finally {
      asking = undefined
    }
  }

  return {
    answered(run, request) {
      void options
        .config()
        .then(
          async ({ history }) => {
            if (history.titles !== 'model' || run.conversation === undefined || run.state !== 'complete') return
            const { messages } = await store.getConversation(run.message, run.owner)
            if (messages.length > 2) return
            waiting.set(run.conversation, { run, request })
            schedule()
          },
          () => {},
        )
        .catch(() => {})
    },
    activity() {
      // Somebody asks: whatever is written for a title now is not worth his waiting.
      if (asking && runs.active > 1) void asking.cancel()
      schedule()
    },
    [Symbol.dispose]() {
      disposed = true
      clearTimeout(timer)
    },
  }
}
