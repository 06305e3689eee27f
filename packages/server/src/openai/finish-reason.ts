import type { GoodEnd } from '../answer/index.ts'

export const finishReasons = ['stop', 'length', 'tool_calls', 'content_filter'] as const
export type FinishReason = (typeof finishReasons)[number]

/** Clients run tools only where the reason says so, and some engines call one and say `stop`. */
export function toFinishReason(reason: GoodEnd, calledTools: boolean): FinishReason {
  switch (reason) {
    case 'stop':
      return calledTools ? 'tool_calls' : 'stop'
    case 'length':
      return 'length'
    case 'tool-calls':
      return 'tool_calls'
    case 'content-filter':
      return 'content_filter'
    default:
      return reason satisfies never
  }
}
