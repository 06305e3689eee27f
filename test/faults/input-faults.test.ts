import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, toEvents, withMock } from '../support/home.ts'

describe('bad input', () => {
  let home: Home
  before(async () => {
    home = await createHome(
      withMock({ echo: {}, large: { reply: 'Read.', contextLength: 20_000_000 } }, { model: 'box/echo' }),
    )
  })
  after(() => home[Symbol.asyncDispose]())

  it('invalid UTF-8 on stdin: exit 2', async () => {
    const result = await home.lmapp([], { stdin: new Uint8Array([0x68, 0x69, 0xff, 0xfe]) })
    assert.equal(result.code, 2)
    assert.match(result.stderr, /UTF-8/)
    assert.equal(result.stdout, '')
  })

  it('no prompt and an empty stdin: exit 2', async () => {
    assert.equal((await home.lmapp([])).code, 2)
  })

  it('a prompt of 10 MB is answered where it fits, and refused with both numbers where it does not', async () => {
    const prompt = 'words and '.repeat(1_000_000)
    const fits = await home.lmapp(['-m', 'box/large'], { stdin: prompt })
    assert.equal(fits.code, 0, fits.stderr)
    assert.equal(fits.stdout, 'Read.\n')
    const refused = await home.lmapp(['-m', 'box/echo', '--json'], { stdin: prompt })
    assert.equal(refused.code, 6, refused.stderr)
    const end = toEvents(refused.stdout).at(-1) as { error: { message: string } }
    assert.match(end.error.message, /\d{7}/)
  })

  it('a mistyped flag: exit 2, and the nearest one is named', async () => {
    const result = await home.lmapp(['--modle', 'x', 'hello'])
    assert.equal(result.code, 2)
    assert.match(result.stderr, /--model/)
  })

  it('a flag whose feature comes later: exit 2, and it is said so', async () => {
    const result = await home.lmapp(['--schema', 'x.json', 'hello'])
    assert.equal(result.code, 2)
    assert.match(result.stderr, /--schema/)
  })

  it('a wrong value in the configuration: exit 2 with file, line and column', async () => {
    await using other = await createHome({ failover: { retries: 'many' } })
    const result = await other.lmapp(['hello'])
    assert.equal(result.code, 2, result.stderr)
    assert.match(result.stderr, /config\.json:\d+:\d+/)
  })

  it('a file that is not there, and one that is a folder: exit 2', async () => {
    for (const path of ['/nowhere/at/all.txt', '/']) {
      const result = await home.lmapp(['-f', path, 'hello'])
      assert.equal(result.code, 2, result.stderr)
    }
  })
})
