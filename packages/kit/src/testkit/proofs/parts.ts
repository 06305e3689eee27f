import assert from 'node:assert/strict'
import type { Part, Phase, Progress } from '../../part.ts'
import { ask, type Proof } from '../proof.ts'

export const partProofs = {
  'chat.no-empty-delta': async (context) => {
    const { parts } = await ask(context, context.prompts.question)
    assert.ok(parts.some(isDelta), 'There is no delta at all.')
    assert.ok(!parts.some((part) => isDelta(part) && part.text === ''), 'A delta is empty.')
  },

  'chat.whole-characters': async (context) => {
    const { parts } = await ask(context, context.prompts.characters, { options: { maxTokens: 64 } })
    for (const part of parts) {
      assert.ok(!isDelta(part) || part.text.isWellFormed(), `Half a character in ${JSON.stringify(part)}.`)
    }
  },

  'chat.part-shapes': async (context) => {
    const { parts } = await ask(context, context.prompts.question)
    for (const part of parts) assertShape(part)
  },

  'chat.status-order': async (context) => {
    const { parts } = await ask(context, context.prompts.question)
    let reached = 0
    for (const part of parts) {
      if (isDelta(part)) reached = phases.indexOf('generating')
      if (part.type !== 'status') continue
      const place = phases.indexOf(part.phase)
      assert.ok(place >= reached, `${part.phase} came after ${phases[reached]}.`)
      reached = place
    }
  },

  'chat.progress': async (context) => {
    const { statuses } = await ask(context, context.prompts.question)
    const reached = new Map<Phase, number>()
    for (const { phase, progress } of statuses) {
      if (progress === undefined) continue
      assertProgress(progress)
      assert.ok(progress.done >= (reached.get(phase) ?? 0), `${phase} went back to ${progress.done}.`)
      reached.set(phase, progress.done)
    }
  },
} satisfies Record<string, Proof>

export function assertProgress({ done, total }: Progress): void {
  assert.ok(Number.isFinite(done) && done >= 0, `Progress is at ${done}.`)
  assert.ok(total === undefined || done <= total, `Progress is at ${done} of ${total}.`)
}

const phases: readonly Phase[] = ['queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating']

function isDelta(part: Part): part is Extract<Part, { type: 'text-delta' | 'reasoning-delta' }> {
  return part.type === 'text-delta' || part.type === 'reasoning-delta'
}

function assertShape(part: Part): void {
  for (const field of textFields(part)) {
    assert.equal(typeof Reflect.get(part, field), 'string', `A part has no ${field}: ${JSON.stringify(part)}`)
  }
  if (part.type === 'status') assert.ok(phases.includes(part.phase), `A status has the phase ${part.phase}.`)
  if (part.type === 'finish') assert.equal(typeof part.usage, 'object', 'A finish has no usage.')
}

function textFields(part: Part): string[] {
  switch (part.type) {
    case 'text-delta':
    case 'reasoning-delta':
      return ['text']
    case 'tool-call':
      return ['id', 'name', 'arguments']
    case 'status':
      return ['phase']
    case 'warning':
      return ['code', 'message']
    case 'finish':
      return ['reason']
    default:
      part satisfies never
      assert.fail(`There is a part of an unknown type: ${JSON.stringify(part)}`)
  }
}
