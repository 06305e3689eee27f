import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createEngineLog } from './engine-log.ts'

describe('createEngineLog', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-log-'))
  after(() => rm(folder, { recursive: true }))

  it('appends to its file, readable by its owner only, and keeps the last lines', async () => {
    const file = join(folder, 'deep', 'a.log')
    await createEngineLog({ file }).write('before\n')
    const log = createEngineLog({ file })
    assert.deepEqual(log.tail(), [])
    const written = ['one\r\ntw', 'o\n', '\nthr', 'ee'].map((text) => log.write(text))
    await Promise.all(written)
    assert.deepEqual(log.tail(), ['one', 'two', '', 'three'])
    assert.equal(await readFile(file, 'utf8'), 'before\none\r\ntwo\n\nthree')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  it('keeps twenty lines of a thousand characters in memory', async () => {
    const log = createEngineLog({ file: join(folder, 'b.log') })
    await log.write(Array.from({ length: 50 }, (_, line) => `${line}\n`).join(''))
    assert.deepEqual([log.tail().length, log.tail()[0], log.tail()[19]], [20, '30', '49'])
    await log.write(`${'x'.repeat(5000)}\n`)
    assert.equal(log.tail()[19]?.length, 1000)
  })

  it('puts a full file aside, and keeps one old one', async () => {
    const file = join(folder, 'full', 'c.log')
    const log = createEngineLog({ file, maxBytes: 10 })
    for (const text of ['1234567\n', '2234567\n', '3234567\n', 'a line longer than that\n']) await log.write(text)
    assert.deepEqual(await readdir(join(folder, 'full')), ['c.log', 'c.log.1'])
    assert.equal(await readFile(file, 'utf8'), 'a line longer than that\n')
    assert.equal(await readFile(`${file}.1`, 'utf8'), '3234567\n')
  })

  it('goes on without a file that cannot be written', async () => {
    await writeFile(join(folder, 'occupied'), '')
    const log = createEngineLog({ file: join(folder, 'occupied', 'd.log') })
    await log.write('still known\n')
    assert.deepEqual(log.tail(), ['still known'])
  })
})
