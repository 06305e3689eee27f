import { type ApiMessage, createClient, type LmappClient } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { type Home, readText, toEvents } from './home.ts'

export interface End {
  type: string
  state: string
  error?: { code: string; message: string; hint: string; details?: { known?: string[] } }
}

/** What the command did, said and kept. */
export interface Outcome {
  code: number | null
  stderr: string
  events: Record<string, unknown>[]
  end: End
  printed: string
  /** All messages of the conversation, on whatever branch. */
  kept: ApiMessage[]
}

export interface AskOptions {
  /** Default: `Count.` */
  question?: string
  /** Called, and waited for, when the user has seen so much. */
  watch?: { text: string | RegExp; onText: () => unknown }
}

/** Asks with `--json`, and reads what was stored as `history show` does. */
export async function ask(
  home: Home,
  args: string[],
  { question = 'Count.', watch }: AskOptions = {},
): Promise<Outcome> {
  const running = home.start([...args, '--json', question])
  if (watch) {
    await running.untilStdout(watch.text)
    await watch.onText()
  }
  const { code, stdout, stderr } = await running.ended
  const events = toEvents(stdout)
  const client = await connectTo(home)
  const { messages } = await client.getConversation(String(events[0]?.conversation), { branches: true })
  const printed = events.filter(({ type }) => type === 'text-delta').map(({ text }) => text)
  return { code, stderr, events, end: events.at(-1) as unknown as End, printed: printed.join(''), kept: messages }
}

const clients = new WeakMap<Home, LmappClient>()

/** Over the socket of a service that runs. */
export async function connectTo(home: Home): Promise<LmappClient> {
  const known = clients.get(home)
  if (known) return known
  const { socket, tokenFile } = JSON.parse((await home.lmapp(['paths', '--json'])).stdout)
  const token = (await readText(tokenFile)).trim()
  const client = createClient({ transport: createSocketTransport({ socketPath: socket, token }) })
  clients.set(home, client)
  return client
}
