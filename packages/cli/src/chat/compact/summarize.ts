import type { ErrorData, RunEnd } from 'lmapp-kit'
import { exitCodeOfSignal, stopBySignal } from '../../signals.ts'
import { leavingCode } from '../follow-run.ts'
import type { Chat } from '../interactive/chat.ts'
import { type AskedPart, askPart } from './ask-part.ts'
import type { Summarizer } from './find-summarizer.ts'
import type { CompactionPlan } from './plan-compaction.ts'
import { shareOut, tokensOfSummary, toSummaryPrompt } from './summary-prompt.ts'
import { type Said, takePiece, toSaid } from './transcript.ts'

export interface Summary {
  text: string
  /** `backend/model` that wrote it. */
  model?: string
  /** Of the last part; `length` where any part was cut. */
  end: RunEnd
}

export type Summarized =
  | { type: 'done'; summary: Summary }
  /** Nobody stopped it, and yet it did not come. */
  | { type: 'failed'; error?: ErrorData }
  /** `exitCode`: the chat is over because of it. */
  | { type: 'stopped'; exitCode: number | undefined }
  /** A piece did not fit: the context is shorter than it was taken for. */
  | { type: 'overflow'; contextLength: number }

/** What is known when the next piece is asked for. */
interface Progress {
  summary: string
  summaryTokens: number
  left: Said[]
  isCut: boolean
}

/** Piece by piece, each together with the summary so far. Throws `context-overflow` where there is no room for any. */
export async function summarize(
  chat: Chat,
  { model, contextLength }: Summarizer,
  plan: CompactionPlan,
): Promise<Summarized> {
  const progress = begin(plan)
  const mostParts = countParts(plan, contextLength)
  using stop = stopBySignal(chat.context.signals)
  for (let part = 1; ; part += 1) {
    if (stop.by) return { type: 'stopped', exitCode: stop.by === 'SIGINT' ? undefined : exitCodeOfSignal[stop.by] }
    const room = shareOut(contextLength, progress.summaryTokens)
    const { piece, rest } = takePiece(progress.left, room.piece)
    const parts = rest.length === 0 ? part : Math.max(mostParts, part + 1)
    const asked = await askPart(chat, {
      model,
      prompt: toSummaryPrompt({ contextLength, summary: progress.summary, piece }),
      most: room.answer,
      part: parts === 1 ? '' : `part ${part} of ${parts}`,
      isLast: rest.length === 0,
    })
    const { end } = asked
    if (!end || !isUsable(asked)) return toUnfinished(asked, contextLength)
    takeIn(progress, asked, rest)
    if (rest.length === 0) return { type: 'done', summary: toSummary(progress, asked, end) }
  }
}

/** So many pieces at most, where each summary is as long as it may be. */
export function countParts(plan: CompactionPlan, contextLength: number): number {
  const { left, summaryTokens } = begin(plan)
  const { answer, piece } = shareOut(contextLength, summaryTokens)
  let { rest } = takePiece(left, piece)
  let count = 1
  for (const later = shareOut(contextLength, answer).piece; rest.length > 0; count += 1)
    rest = takePiece(rest, later).rest
  return count
}

function begin({ summary, older }: CompactionPlan): Progress {
  return { summary, summaryTokens: tokensOfSummary(summary), left: toSaid(older), isCut: false }
}

function isUsable({ end, text }: AskedPart): boolean {
  return (end?.state === 'complete' || end?.state === 'length') && text.trim() !== ''
}

function takeIn(progress: Progress, { text, end }: AskedPart, rest: Said[]): void {
  const isCut = end?.state === 'length'
  const summary = isCut ? toWholeSentences(text.trim()) : text.trim()
  const { outputTokens = Number.POSITIVE_INFINITY, reasoningTokens = 0 } = end?.usage ?? {}
  progress.summary = summary
  progress.summaryTokens = Math.min(tokensOfSummary(summary), outputTokens - reasoningTokens)
  progress.left = rest
  progress.isCut ||= isCut
}

/** Without what was cut in its middle, unless that is half of it. */
function toWholeSentences(text: string): string {
  const ends = [...text.matchAll(/[.!?](?=\s)|[。！？\n]/g)]
  const last = ends.at(-1)?.index ?? 0
  return last > text.length / 2 ? text.slice(0, last + 1) : text
}

function toSummary({ summary, isCut }: Progress, { model }: AskedPart, end: RunEnd): Summary {
  return {
    text: summary,
    ...(model !== undefined && { model }),
    end: isCut ? { ...end, state: 'length' } : end,
  }
}

const shortestContext = 256

function toUnfinished({ failure, ...followed }: AskedPart, contextLength: number): Summarized {
  if (followed.stoppedBy) return { type: 'stopped', exitCode: leavingCode(followed) }
  if (failure?.code === 'context-overflow' || failure?.code === 'prompt-truncated') {
    const shorter = toShorter(failure, contextLength)
    if (shorter >= shortestContext) return { type: 'overflow', contextLength: shorter }
  }
  return { type: 'failed', ...(failure && { error: failure }) }
}

/** What the engine says that it has; where that is no news, half of it. */
function toShorter({ details }: ErrorData, contextLength: number): number {
  const said = details?.contextLength
  return typeof said === 'number' && said < contextLength ? said : Math.floor(contextLength / 2)
}
