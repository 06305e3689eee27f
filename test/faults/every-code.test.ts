/** Every code of the error table, brought about for real and told by the real command. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { type ErrorCode, errorTable } from 'lmapp-kit'
import { answers } from './every-code/answers.ts'
import { openWorld, type World } from './every-code/open-world.ts'
import type { Scenario, Seen } from './every-code/scenario.ts'
import { surroundings } from './every-code/surroundings.ts'

/** A code without a scenario is a type error. */
const scenarios = { ...answers, ...surroundings } satisfies Record<ErrorCode, Scenario>

const codes = Object.keys(errorTable) as ErrorCode[]

describe('every code of the error table', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  after(() => world[Symbol.asyncDispose]())

  for (const code of codes) {
    const { says, exit } = errorTable[code]
    it(`${code}: exit ${exit}, a sentence as in docs/troubleshooting.md, and what to do`, async () => {
      const seen: Seen = await scenarios[code](world)
      assert.equal(seen.code ?? code, code, seen.message)
      assert.equal(seen.exit ?? exit, exit, seen.message)
      assert.match(seen.message, toPattern(says))
      assert.match(seen.hint, /\w/)
    })
  }

  it('is described in docs/troubleshooting.md', () => {
    const text = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
    for (const code of codes) assert.ok(text.includes(`### ${code}\n`), code)
  })
})

/** Words in capitals stand for what differs. */
function toPattern(says: string): RegExp {
  const escaped = says.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(escaped.replaceAll(/\b(?:[A-Z]{2,}|N)\b/g, '.+'), 's')
}
