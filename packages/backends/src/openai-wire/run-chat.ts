import { type Batched, batches, type Part } from 'lmapp-kit'
import type { createOpenChats } from '../external/index.ts'

type OpenChats = Pick<ReturnType<typeof createOpenChats>, 'run'>

interface ChatToRun {
  model: string
  signal: AbortSignal | undefined
  start(signal: AbortSignal): Batched<Part>
}

/** A chat among `chats` that may be read in batches: whether it was ended meanwhile is then seen between two of them. */
export function runChat(chats: OpenChats, chat: ChatToRun): Batched<Part> {
  const items = chats.run(chat.model, chat.signal, chat.start)
  return { [Symbol.asyncIterator]: () => items, [batches]: () => runBatches(chats, chat) }
}

/** `chats` is shown one part of each batch, which stands for all of it. */
async function* runBatches(
  chats: OpenChats,
  { model, signal, start }: ChatToRun,
): AsyncGenerator<readonly Part[], void, undefined> {
  let batch: readonly Part[] = []
  let sign: Part | undefined
  async function* signs(ended: AbortSignal) {
    for await (batch of start(ended)[batches]()) {
      sign = toSign(batch)
      if (sign) yield sign
    }
  }
  for await (const part of chats.run(model, signal, signs)) yield part === sign ? batch : [part]
}

/** That the chat is over, else that a token came, else anything. */
function toSign(batch: readonly Part[]): Part | undefined {
  const last = batch.at(-1)
  return last?.type === 'finish' ? last : (batch.find(({ type }) => type.endsWith('-delta')) ?? last)
}
