import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { defaultTimeouts } from './timeouts.ts'

it('has the deadlines that specs/lifecycle.md promises to plugin authors', async () => {
  const markdown = await readFile(join(import.meta.dirname, '../../../../../specs/lifecycle.md'), 'utf8')
  const promised = [...markdown.matchAll(/^\| `(\w+Ms)` \| (\d+) s \|/gm)].map(([, name, seconds]) => [
    name,
    Number(seconds) * 1000,
  ])
  assert.deepEqual(Object.fromEntries(promised), defaultTimeouts)
})
