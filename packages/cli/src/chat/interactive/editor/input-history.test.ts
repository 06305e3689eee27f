import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadInputHistory } from './input-history.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-chat-'))
after(() => rmSync(folder, { recursive: true, force: true }))

describe('what was typed before', () => {
  it('is kept, newest first, in a file of its owner', async () => {
    const path = join(folder, 'state', 'typed.jsonl')
    const history = await loadInputHistory(path)
    await history.add('one')
    await history.add('two\nlines')
    await history.add('one')
    await history.add('x'.repeat(200_000))
    assert.deepEqual((await loadInputHistory(path)).messages, ['one', 'two\nlines'])
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('does not grow for ever, and survives lines that are none', async () => {
    const path = join(folder, 'long.jsonl')
    writeFileSync(path, `${'{\n'.repeat(2000)}${'"old"\n'.repeat(10)}7\n"new"\n`)
    assert.deepEqual((await loadInputHistory(path)).messages, ['new', 'old'])
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 1001)
  })

  it('costs only the recall when the disk refuses it', async () => {
    const history = await loadInputHistory('/dev/null/typed.jsonl')
    await history.add('one')
    assert.deepEqual(history.messages, [])
  })
})
