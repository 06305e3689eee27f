import type { LmappError, RunEnd, RunEvent, ToolCall } from 'lmapp-kit'
import type { Answer, AnswerEncoder, GoodEnd } from '../answer/index.ts'
import { toErrorBody } from './errors.ts'
import { emptyMessage, requestIdOf, toDeltaUsage, toInput, toStopReason } from './message.ts'

type BlockType = 'text' | 'thinking'

const emptyBlocks = {
  text: { type: 'text', text: '', citations: null },
  thinking: { type: 'thinking', thinking: '', signature: '' },
}

/** All of a delta's event but its text: there are as many as there are tokens. */
const leads = {
  text: (index: number) => `${deltaLead(index)}{"type":"text_delta","text":`,
  thinking: (index: number) => `${deltaLead(index)}{"type":"thinking_delta","thinking":`,
}

function deltaLead(index: number): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":`
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
    const before = open === type ? '' : `${start()}${stopBlock()}${startBlock(emptyBlocks[type])}`
    open = type
    return `${before}${leads[type](index)}${JSON.stringify(text)}}}\n\n`
  }

  function call({ id, name, arguments: text }: ToolCall): string {
    callsTools = true
    const before = `${start()}${stopBlock()}${startBlock({ type: 'tool_use', id, name, input: {}, caller: { type: 'direct' } })}`
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
    const ending = {
      stop_reason: toStopReason(reason, callsTools),
      stop_sequence: null,
      stop_details: null,
      container: null,
    }
    const last = frame('message_delta', { delta: ending, usage: toDeltaUsage(usage) })
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
