import type { RequestId } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import { type Findings, show } from './findings.ts'
import { judgePart } from './judge-part.ts'
import type { Answer } from './rpc.ts'

/** One chat, as it comes over the line. */
export interface ChatExchange {
  readonly id: RequestId
  /** How many parts came, of every kind. */
  readonly count: number
  /** The text deltas, joined. */
  readonly text: string
  /** Its response. Rejects when the process ends without one. */
  readonly answer: Promise<Answer>
  readonly answered: boolean
  grant(parts: number): void
  cancel(): void
  /** Resolves when so many parts came, or it is answered. Rejects as `answer` does. */
  until(parts: number): Promise<void>
}

export interface ChatLine {
  id: RequestId
  credit: number
  /** Gives new credit as parts come, so that it never waits. */
  flows: boolean
  answer: Promise<Answer>
  notify(method: string, params: unknown): void
  findings: Findings
}

export interface ChatReceiver extends ChatExchange {
  /** Takes the parameters of a `parts` notification. */
  receive(params: Record<string, unknown>): void
  settle(): void
}

export function createChatExchange({ id, credit, flows, answer, notify, findings }: ChatLine): ChatReceiver {
  let count = 0
  let lastSeq = 0
  let left = credit
  let text = ''
  let answered = false
  let change = Promise.withResolvers<void>()
  answer.catch(() => {})

  function wake(): void {
    change.resolve()
    change = Promise.withResolvers()
  }

  function grant(parts: number): void {
    left += parts
    notify('credit', { id, parts })
  }

  function countSequence(seq: unknown): void {
    if (seq !== lastSeq + 1) {
      findings.note('wire.sequence', `Parts came with the number ${show(seq)}, where ${lastSeq + 1} was due.`)
    }
    lastSeq = typeof seq === 'number' ? seq : lastSeq + 1
  }

  function spend(parts: number): void {
    count += parts
    left -= parts
    if (left < 0) findings.note('credit.obeyed', `${parts} parts came, where there was credit for ${left + parts}.`)
    if (flows && left <= credit / 2 && !answered) grant(credit)
  }

  return {
    id,
    answer,
    get count() {
      return count
    },
    get text() {
      return text
    },
    get answered() {
      return answered
    },
    grant,
    cancel: () => notify('cancel', { id }),
    async until(parts) {
      while (count < parts && !answered) await Promise.race([change.promise, answer])
    },
    receive(params) {
      countSequence(params.seq)
      const parts = Array.isArray(params.parts) ? params.parts : []
      if (parts.length === 0) findings.note('wire.schema', `"parts" came without parts: ${show(params)}`)
      for (const part of parts) {
        judgePart(part, findings)
        if (isFields(part) && part.type === 'text-delta' && typeof part.text === 'string') text += part.text
      }
      spend(parts.length)
      wake()
    },
    settle() {
      answered = true
      wake()
    },
  }
}
