import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createTestContext } from '../../testing/test-context.ts'
import { newPlugin } from './new-plugin.ts'

const directory = mkdtempSync(join(tmpdir(), 'lmapp-new-'))
after(() => rmSync(directory, { recursive: true }))

function make(name: string): Promise<number> {
  const value = (option: string) => (option === 'language' ? 'node' : undefined)
  return newPlugin(createTestContext({ directory }), { operands: [name], has: () => false, value, values: () => [] })
}

describe('lmapp backends new', () => {
  it('makes nothing under a name that could never be installed', async () => {
    for (const name of ['ollama', 'embedded', '..', '../x', '__proto__', 'toString', '-x', '']) {
      await assert.rejects(make(name), (error) => isLmappError(error, 'bad-input'), name)
    }
    assert.deepEqual(readdirSync(directory), [])
  })
})
