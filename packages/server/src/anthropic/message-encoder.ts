import type { LmappError, RunEnd, RunEvent, ToolCall } from 'lmapp-kit'
import type { Answer, AnswerEncoder, GoodEnd } from '../answer/index.ts'
import { toErrorBody } from './errors.ts'
import { emptyMessage, requestIdOf, toInput, toStopReason, toUsage } from './message.ts'

type BlockType = 'text' | 'thinking'

const emptyBlocks = {
  text: { type: 'text', text: '' },
  thinking: { type: 'thinking', thinking: '', signature: '' },
}

/**
 * Writes the events of an answer. `message_start` comes with the first word, since how long the prompt is may be known by
 * then; while nothing arrives there are pings.
 */
export function createMessageEncoder(answer: Answer): AnswerEncoder {
  let started = false
  let open: BlockType | undefined
  let index = -1
  let promptTokens: number | undefined
  let callsTools = false

  function start(): string {
    if (started) return ''
    started = true
    return frame('message_start', { message: emptyMessage(answer, promptTokens) })
  }

  function startBlock(block: object): string {
    index += 1
    return frame('content_block_start', { index, content_block: block })
  }

  function stopBlock(): string {
    if (open === undefined) return ''
    const signature = open === 'thinking' ? delta({ type: 'signature_delta', signature: '' }) : ''
    open = undefined
    return `${signature}${frame('content_block_stop', { index })}`
  }

  function delta(value: object): string {
    return frame('content_block_delta', { index, delta: value })
  }

  function write(type: BlockType, text: string): string {
    const words = () =>
      delta(type === 'text' ? { type: 'text_delta', text } : { type: 'thinking_delta', thinking: text })
    if (open === type) return words()
    const before = `${start()}${stopBlock()}${startBlock(emptyBlocks[type])}`
    open = type
    return `${before}${words()}`
  }

  function call({ id, name, arguments: text }: ToolCall): string {
    callsTools = true
    const before = `${start()}${stopBlock()}${startBlock({ type: 'tool_use', id, name, input: {} })}`
    const input = delta({ type: 'input_json_delta', partial_json: JSON.stringify(toInput(text)) })
    return `${before}${input}${frame('content_block_stop', { index })}`
  }

  function take(event: Exclude<RunEvent, RunEnd>): string {
    switch (event.type) {
      case 'text-delta':
        return write('text', event.text)
      case 'reasoning-delta':
        return write('thinking', event.text)
      case 'tool-call':
        return call(event)
      case 'status':
        if (event.phase === 'prompt' && event.progress?.unit === 'tokens') promptTokens = event.progress.total
        return ''
      case 'start':
      case 'warning':
      case 'handover':
        return ''
      default:
        return event satisfies never
    }
  }

  function finish(reason: GoodEnd, { usage }: RunEnd): string {
    const ending = { stop_reason: toStopReason(reason, callsTools), stop_sequence: null }
    const last = frame('message_delta', { delta: ending, usage: toUsage(usage) })
    return `${start()}${stopBlock()}${last}${frame('message_stop', {})}`
  }

  return {
    heartbeat: frame('ping', {}),
    begin: () => '',
    take,
    finish,
    fail: (error: LmappError) => `event: error\ndata: ${JSON.stringify(toErrorBody(error, requestIdOf(answer)))}\n\n`,
  }
}

function frame(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}
