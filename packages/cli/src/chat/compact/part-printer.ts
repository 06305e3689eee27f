import type { ErrorData, RunEnd } from 'lmapp-kit'
import { chooseLook } from '../answer-look.ts'
import { createAnswerPrinter } from '../answer-printer.ts'
import { exitCodeOfEnd } from '../end-notice.ts'
import type { Chat } from '../interactive/chat.ts'
import type { RunPrinter } from '../printer.ts'

export interface PartPrinter extends RunPrinter {
  /** Why there was not even an end. */
  readonly failure: ErrorData | undefined
}

/**
 * Shows how one part of a summary is written: the last one as an answer, of the others only that words come. What goes
 * wrong is left to be said by whoever asked.
 */
export function createPartPrinter(chat: Chat, { part, isLast }: { part: string; isLast: boolean }): PartPrinter {
  const { context, plain, quiet } = chat
  const inner = createAnswerPrinter(context, {
    quiet,
    hideReasoning: true,
    extract: false,
    look: chooseLook(context.stdout, { plain }),
    namesSpeaker: plain,
  })
  let words = 0
  let shownTens = -1
  let failure: ErrorData | undefined

  /** Every ten words, since each is drawn. */
  async function countWords(text: string): Promise<void> {
    words += text.match(/\S+/g)?.length ?? 0
    const tens = Math.floor(words / 10)
    if (tens === shownTens) return
    shownTens = tens
    const message = [part, tens === 0 ? '' : `${tens}0 words`].filter(Boolean).join(' · ')
    await inner.print({ type: 'status', phase: 'generating', message })
  }

  return {
    get failure() {
      return failure
    },
    async print(event) {
      switch (event.type) {
        case 'text-delta':
          return isLast ? inner.print(event) : countWords(event.text)
        case 'reasoning-delta':
          return countWords(event.text)
        case 'status':
          return inner.print(part === '' || event.message ? event : { ...event, message: part })
        case 'warning':
          return event.code === 'unsupported-setting' ? undefined : inner.print(event)
        default:
          return inner.print(event)
      }
    },
    async end(end) {
      if (!isLast || (end.state !== 'complete' && end.state !== 'length')) await inner.leave()
      else await inner.end(withoutContext(end))
      return exitCodeOfEnd(end)
    },
    async fail(error) {
      failure = error
      await inner.leave()
    },
    leave: () => inner.leave(),
  }
}

/** That of the summary is not the one of the conversation, which is what is looked at. */
function withoutContext({ usage: { contextLength: _, ...usage }, ...end }: RunEnd): RunEnd {
  return { ...end, usage }
}
