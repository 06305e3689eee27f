import type { ChatOptions } from 'lmapp-kit'
import type { ProgramConfig } from '../config/config.ts'
import type { Stage } from './stage.ts'
import { createStopFilter } from './stop-filter.ts'
import { createTerminalFilter } from './terminal-filter.ts'
import { createOutputDecoder } from './text-decoder.ts'
import { createTrimFilter } from './trim-filter.ts'
import { createWordLimit } from './word-limit.ts'

/** The bytes that a program writes, as the text of an answer. */
export interface AnswerText {
  push(bytes: Uint8Array): string
  /** What was kept back. */
  end(): string
  /** Why the answer is over although the program still writes. */
  readonly ended: 'stop' | 'length' | undefined
  /** Whether something was no UTF-8. */
  readonly broken: boolean
}

export function createAnswerText(program: ProgramConfig, options: ChatOptions = {}): AnswerText {
  const decoder = createOutputDecoder()
  const stop = createStopFilter(options.stop ?? [])
  const isLimited = options.maxTokens !== undefined && program.options.maxTokens === undefined
  const limit = createWordLimit(isLimited ? (options.maxTokens ?? 0) : Number.POSITIVE_INFINITY)
  const stages: Stage[] = [createTerminalFilter(), ...(program.trim ? [createTrimFilter()] : []), stop, limit]

  return {
    get ended() {
      if (limit.ended) return 'length'
      return stop.ended ? 'stop' : undefined
    },
    get broken() {
      return decoder.broken
    },
    push: (bytes) => stages.reduce((text, stage) => stage.push(text), decoder.push(bytes)),
    end: () => stages.reduce((text, stage) => stage.push(text) + stage.end(), decoder.end()),
  }
}
