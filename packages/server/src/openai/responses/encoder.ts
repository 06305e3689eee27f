import { toChatLogprobs } from '../logprobs.ts'
import type { Draft } from './draft.ts'
import { addToGroup, type Group, startGroup, toOutputItem, toTextPart } from './output.ts'
import type { Step } from './steps.ts'

/** Tells a response as events, which are numbered from 0. What it returns may be several of them, or none. */
export interface ResponseEncoder {
  begin(): string
  take(step: Step): string
  /** When the draft has ended. */
  end(): string
}

/** `after`: events up to this number are left out, since the client has them. */
export function createResponseEncoder(draft: Draft, after = -1): ResponseEncoder {
  const { key, summary } = draft
  let number = -1
  let started = false
  let queued = false
  let index = -1
  let open: Group | undefined
  let ids = { item_id: '', output_index: 0 }
  /** What all deltas of the open item begin with. */
  let head = ''

  function frame(type: string, fields: object): string {
    number += 1
    if (number <= after) return ''
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number, ...fields })}\n\n`
  }

  function start(): string {
    if (started) return ''
    started = true
    return frame('response.in_progress', { response: draft.beginning('in_progress') })
  }

  function wait(): string {
    if (started || queued) return ''
    queued = true
    return frame('response.queued', { response: draft.beginning('queued') })
  }

  /** Thousands of them leave in a second. */
  function delta(text: string, rest = ''): string {
    number += 1
    return number <= after ? '' : `${head}${JSON.stringify(text)}${rest},"sequence_number":${number}}\n\n`
  }

  function toHead(type: string, part: object): string {
    const fields = JSON.stringify({ type, ...ids, ...part })
    return `event: ${type}\ndata: ${fields.slice(0, -1)},"delta":`
  }

  function itemNow(group: Group, status: 'in_progress' | 'completed' | 'incomplete') {
    return toOutputItem(group, { key, summary, index, status })
  }

  function openItem(group: Group): string {
    index += 1
    open = group
    const item = itemNow(toEmpty(group), 'in_progress')
    ids = { item_id: item.id, output_index: index }
    const parts = { message: { content: [] }, reasoning: { summary: [], content: [] }, function_call: {} }[item.type]
    const added = frame('response.output_item.added', { output_index: index, item: { ...item, ...parts } })
    switch (group.type) {
      case 'text':
        head = toHead('response.output_text.delta', { content_index: 0 })
        return added + frame('response.content_part.added', { ...ids, content_index: 0, part: toTextPart('') })
      case 'reasoning':
        head = toHead(summary ? 'response.reasoning_summary_text.delta' : 'response.reasoning_text.delta', thoughtIndex)
        return added + thoughtPart('added', '')
      case 'call':
        head = toHead('response.function_call_arguments.delta', {})
        return added + delta(group.arguments)
      default:
        return group satisfies never
    }
  }

  const thoughtIndex = summary ? { summary_index: 0 } : { content_index: 0 }

  function thoughtPart(change: 'added' | 'done', text: string): string {
    const part = { type: summary ? 'summary_text' : 'reasoning_text', text }
    const type = summary ? `response.reasoning_summary_part.${change}` : `response.content_part.${change}`
    return frame(type, { ...ids, ...thoughtIndex, part })
  }

  function closeItem(status: 'completed' | 'incomplete'): string {
    const group = open
    if (!group) return ''
    open = undefined
    const item = itemNow(group, group.type === 'call' ? 'completed' : status)
    return toDone(group) + frame('response.output_item.done', { output_index: index, item })
  }

  function toDone(group: Group): string {
    switch (group.type) {
      case 'text': {
        const part = toTextPart(group.text, group.logprobs)
        const { text, logprobs } = part
        const done = frame('response.output_text.done', { ...ids, content_index: 0, text, logprobs })
        return done + frame('response.content_part.done', { ...ids, content_index: 0, part })
      }
      case 'reasoning': {
        const type = summary ? 'response.reasoning_summary_text.done' : 'response.reasoning_text.done'
        return frame(type, { ...ids, ...thoughtIndex, text: group.text }) + thoughtPart('done', group.text)
      }
      case 'call': {
        const { name, arguments: given } = group
        return frame('response.function_call_arguments.done', { ...ids, name, arguments: given })
      }
      default:
        return group satisfies never
    }
  }

  function toDelta(step: Step): string {
    if (step.type === 'reasoning') return delta(step.text)
    if (step.type !== 'text') return ''
    return delta(
      step.text,
      step.logprobs ? `,"logprobs":${JSON.stringify(toLogprobs(step.logprobs))}` : ',"logprobs":[]',
    )
  }

  return {
    begin: () => frame('response.created', { response: draft.beginning('in_progress') }),
    take(step) {
      if (step.type === 'queued') return wait()
      if (addToGroup(open, step)) return toDelta(step)
      const group = startGroup(step)
      if (!group) return start()
      return start() + closeItem('completed') + openItem(group) + toDelta(step)
    },
    end() {
      const { status = 'failed' } = draft.ending ?? {}
      const response = draft.response()
      const isGood = status === 'completed' || status === 'incomplete'
      const closed = isGood ? closeItem(status) : ''
      return start() + closed + frame(isGood ? `response.${status}` : 'response.failed', { response })
    },
  }
}

function toLogprobs(logprobs: NonNullable<Extract<Step, { type: 'text' }>['logprobs']>) {
  return toChatLogprobs(logprobs).content
}

function toEmpty(group: Group): Group {
  return group.type === 'call' ? { ...group, arguments: '' } : { ...group, text: '' }
}
