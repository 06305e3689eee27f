import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { writeWheel } from '../../../../core/src/models/testing/wheel-bytes.ts'
import { readWheel } from './read-wheel.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-wheel-'))
})
after(() => rm(folder, { recursive: true }))

async function wheel(members: Record<string, string | Buffer>, isCompressed = false): Promise<string> {
  const bytes = Object.entries(members).map(([name, content]) => [name, Buffer.from(content)])
  return join(folder, await writeWheel(folder, 'lmapp-backend-bee', Object.fromEntries(bytes), { isCompressed }))
}

async function refuses(file: string, code: ErrorCode, words = /./) {
  await assert.rejects(readWheel(file), (error) => {
    assert.ok(isLmappError(error, code), String(error))
    assert.match(error.message, words)
    return true
  })
}

describe('readWheel', () => {
  it('finds the manifest in the package, or beside it', async () => {
    for (const member of ['lmapp_backend_bee/lmapp-backend.json', 'lmapp-backend.json']) {
      for (const isCompressed of [false, true]) {
        const file = await wheel({ 'lmapp_backend_bee/__init__.py': '', [member]: '{"a":1}' }, isCompressed)
        assert.deepEqual(await readWheel(file), { member, text: '{"a":1}' })
      }
    }
  })

  it('refuses one without, with two, with a large one, or with names that lead out', async () => {
    await refuses(await wheel({ 'bee/__init__.py': '', 'a/b/lmapp-backend.json': '{}' }), 'bad-input', /no package/)
    const two = await wheel({ 'a/lmapp-backend.json': '{}', 'b/lmapp-backend.json': '{}' })
    await refuses(two, 'bad-input', /holds 2 of them: a\/lmapp-backend\.json, b/)
    const large = await wheel({ 'a/lmapp-backend.json': Buffer.alloc(1024 * 1024 + 1) }, true)
    await refuses(large, 'bad-input', /larger/)
    await refuses(await wheel({ '../a/lmapp-backend.json': '{}' }), 'download-failed')
  })

  it('refuses what is damaged, and never hangs on it', async () => {
    const whole = await readFile(await wheel({ 'bee/lmapp-backend.json': '{}'.repeat(1000) }, true))
    const file = join(folder, 'x.whl')
    for (const bytes of [whole.subarray(0, -30), whole.subarray(40), randomBytes(3000), Buffer.alloc(0)]) {
      await writeFile(file, bytes)
      await refuses(file, 'download-failed')
    }
    const changed = Buffer.from(whole)
    changed.fill(7, 60, 70)
    await writeFile(file, changed)
    await refuses(file, 'download-failed')
    for (let round = 0; round < 150; round += 1) {
      const mutated = Buffer.from(whole)
      for (let change = 0; change <= round % 5; change += 1) mutated[randomInt(mutated.length)] = randomInt(256)
      await writeFile(file, mutated)
      await readWheel(file).catch((error) => {
        assert.ok(isLmappError(error, 'bad-input') || isLmappError(error, 'download-failed'), String(error?.stack))
      })
    }
  })
})
