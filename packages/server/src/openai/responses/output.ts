import type { TokenProbability } from 'lmapp-kit'
import { toChatLogprobs } from '../logprobs.ts'
import { type Item, toItemId } from './items.ts'
import type { Step } from './steps.ts'

type ItemStatus = 'in_progress' | 'completed' | 'incomplete'
type Logprobs = ReturnType<typeof toChatLogprobs>['content']

export interface TextPart {
  type: 'output_text'
  text: string
  annotations: []
  logprobs: Logprobs
}

/** An item of an answer. Of a thought: either its content or, where a summary was asked for, that has the words. */
export type OutputItem =
  | { id: string; type: 'reasoning'; summary: object[]; content?: object[]; status: ItemStatus }
  | { id: string; type: 'message'; status: ItemStatus; role: 'assistant'; content: TextPart[] }
  | { id: string; type: 'function_call'; status: ItemStatus; call_id: string; name: string; arguments: string }

/** How items are written. */
export interface ItemStyle {
  /** Of the response. */
  key: string
  /** Thoughts are told as their summary. */
  summary: boolean
}

/** What becomes one item. */
export type Group = Extract<Step, { type: 'text' | 'reasoning' | 'call' }>

/** Items as they are when their words are known. `unfinished`: the state of the last one, unless it is a call. */
export function toOutput(steps: readonly Step[], style: ItemStyle, unfinished: ItemStatus): OutputItem[] {
  const groups = toGroups(steps)
  return groups.map((group, index) => {
    const isLast = index === groups.length - 1 && group.type !== 'call'
    return toOutputItem(group, { ...style, index, status: isLast ? unfinished : 'completed' })
  })
}

/** The first step of an item makes it, and each that is of its kind and follows adds to it. */
export function startGroup(step: Step): Group | undefined {
  switch (step.type) {
    case 'text':
      return { ...step, ...(step.logprobs && { logprobs: [...step.logprobs] }) }
    case 'reasoning':
    case 'call':
      return { ...step }
    case 'queued':
    case 'working':
      return undefined
    default:
      return step satisfies never
  }
}

/** False: it is none of this item. */
export function addToGroup(group: Step | undefined, step: Step): boolean {
  if (group?.type === 'text' && step.type === 'text') {
    group.text += step.text
    if (step.logprobs) {
      group.logprobs ??= []
      group.logprobs.push(...step.logprobs)
    }
    return true
  }
  if (group?.type !== 'reasoning' || step.type !== 'reasoning') return false
  group.text += step.text
  return true
}

export function toOutputItem(
  group: Group,
  { index, status, ...style }: ItemStyle & { index: number; status: ItemStatus },
): OutputItem {
  const place = { key: style.key, from: 'output', index } as const
  switch (group.type) {
    case 'text': {
      const content = [toTextPart(group.text, group.logprobs)]
      return { id: toItemId('message', place), type: 'message', status, role: 'assistant', content }
    }
    case 'reasoning':
      return { id: toItemId('reasoning', place), type: 'reasoning', ...toThought(group.text, style), status }
    case 'call': {
      const { id: call_id, name, arguments: given } = group
      return { id: toItemId('function_call', place), type: 'function_call', status, call_id, name, arguments: given }
    }
    default:
      return group satisfies never
  }
}

export function toTextPart(text: string, logprobs: readonly TokenProbability[] = []): TextPart {
  return { type: 'output_text', text, annotations: [], logprobs: toChatLogprobs(logprobs).content }
}

function toThought(text: string, { summary }: ItemStyle): { summary: object[]; content?: object[] } {
  if (summary) return { summary: [{ type: 'summary_text', text }] }
  return { summary: [], content: [{ type: 'reasoning_text', text }] }
}

/** What a model reads of an answer later on. */
export function toItems(steps: readonly Step[]): Item[] {
  return toGroups(steps).map((group): Item => {
    switch (group.type) {
      case 'text':
        return { type: 'message', role: 'assistant', content: [{ type: 'text', text: group.text }] }
      case 'reasoning':
        return { type: 'reasoning', text: group.text }
      case 'call':
        return { type: 'call', id: group.id, name: group.name, arguments: group.arguments }
      default:
        return group satisfies never
    }
  })
}

function toGroups(steps: readonly Step[]): Group[] {
  const groups: Group[] = []
  for (const step of steps) {
    if (addToGroup(groups.at(-1), step)) continue
    const group = startGroup(step)
    if (group) groups.push(group)
  }
  return groups
}
