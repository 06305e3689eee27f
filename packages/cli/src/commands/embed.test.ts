import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

let service: TestService
before(async () => {
  service = await openTestService({ e: { embedDimensions: 4 }, chats: {} }, { model: 'box/e' })
})
after(() => service[Symbol.asyncDispose]())

async function lmapp(argv: readonly string[], options: TestContextOptions = {}) {
  const environment = { ...service.environment, ...options.environment }
  const context = createTestContext({ connect: service.connect, directory: service.home, ...options, environment })
  const code = await runCommand(context, ['embed', ...argv])
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

const linesOf = (text: string) => text.trimEnd().split('\n')

describe('lmapp embed', () => {
  it('prints the vector of what was typed, as JSON on one line', async () => {
    const { code, stdout } = await lmapp(['two', 'words'])
    assert.equal(code, 0)
    const vector = JSON.parse(stdout)
    assert.equal(vector.length, 4)
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6)
    assert.deepEqual(JSON.parse((await lmapp(['two words'])).stdout), vector)
  })

  it('reads files and stdin, whole or line by line, also more than are sent at once', async () => {
    writeFileSync(join(service.home, 'texts.txt'), 'one\n\ntwo\n')
    assert.equal(linesOf((await lmapp(['-f', 'texts.txt'])).stdout).length, 1)
    assert.equal(linesOf((await lmapp(['-f', 'texts.txt', '--lines'])).stdout).length, 2)
    const many = Array.from({ length: 150 }, (_, index) => `text ${index}`).join('\n')
    const { stdout } = await lmapp(['--lines', '-f', '-'], { stdin: many })
    assert.equal(new Set(linesOf(stdout)).size, 150)
  })

  it('reports who did it with --json, and packs vectors with --base64', async () => {
    const report = JSON.parse((await lmapp(['--json', 'text'])).stdout)
    assert.equal(report.model, 'box/e')
    assert.equal(report.dimensions, 4)
    assert.equal(report.vectors[0].length, 4)
    assert.ok(report.inputTokens > 0)
    const packed = Buffer.from((await lmapp(['--base64', 'text'])).stdout, 'base64')
    assert.equal(packed.length, 16)
    assert.equal(packed.readFloatLE(0), report.vectors[0][0])
    assert.equal(JSON.parse((await lmapp(['--json', '--base64', 'text'])).stdout).vectors[0].length, 24)
  })

  it('refuses what is nothing, what cannot be read, and a model that makes none', async () => {
    assert.equal((await lmapp([])).code, 2)
    const missing = await lmapp(['-f', 'none.txt'])
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /none\.txt does not exist/)
    if (process.platform === 'linux') {
      const endless = await lmapp(['-f', '/dev/zero'])
      assert.equal(endless.code, 2)
      assert.match(endless.stderr, /\/dev\/zero is larger than 67/)
    }
    const cannot = await lmapp(['-m', 'box/chats', 'text'])
    assert.equal(cannot.code, 2)
    assert.match(cannot.stderr, /embed/)
    assert.equal((await lmapp(['-m', 'box/none', 'text'])).code, 4)
  })
})
