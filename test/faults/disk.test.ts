import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, toEvents, withMock } from '../support/home.ts'

const config = withMock(
  { echo: {}, flood: { reply: 'a few words of no great weight ', repeatTokens: 800_000 } },
  { backends: { ollama: { type: 'ollama', enabled: false } } },
)

/** A real file system of a few megabytes; only root may mount one. */
function mount(folder: string, options: string): string | undefined {
  mkdirSync(folder, { recursive: true })
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], {
    encoding: 'utf8',
  })
  return status === 0 ? undefined : `no small file system can be mounted here: ${stderr}`
}

describe('a full disk', () => {
  let home: Home
  let refused: string | undefined
  before(async () => {
    home = await createHome({
      ...config,
      backends: { box: (config as { backends: object & { box: object } }).backends.box },
    })
    refused = mount(join(home.dir, 'data'), 'size=3m,mode=700')
  })
  after(async () => {
    const pid = await home.servicePid()
    if (pid !== undefined) await home.lmapp(['service', 'stop'])
    if (refused === undefined) spawnSync('umount', ['-l', join(home.dir, 'data')])
    await home[Symbol.asyncDispose]()
  })

  it('while a model is fetched: exit 11, with both numbers, before anything is loaded', async (test) => {
    if (refused) return test.skip(refused)
    const result = await home.lmapp(['models', 'pull', 'smollm2-135m'], { env: { LMAPP_OFFLINE: '' } })
    assert.equal(result.code, 11, result.stderr)
    assert.match(result.stderr, /MB/)
    assert.match(result.stderr, /lmapp paths/)
  })

  it('while an answer is stored: exit 11, all that arrived is printed, what was stored stays, and it goes on when there is room', async (test) => {
    if (refused) return test.skip(refused)
    const before = await home.lmapp(['-m', 'box/echo', 'stored before'])
    assert.equal(before.code, 0, before.stderr)
    const result = await home.lmapp(['-m', 'box/flood', '-o', 'max_tokens=800000', '--json', 'Go on.'])
    const end = toEvents(result.stdout).at(-1) as { state: string; error: { code: string; hint: string } }
    assert.equal(result.code, 11, result.stderr)
    assert.equal(end.error.code, 'disk-full')
    assert.ok(result.stdout.length > 100_000, 'what arrived was printed')
    const list = JSON.parse((await home.lmapp(['history', 'list', '--json'])).stdout)
    assert.ok(list.some(({ title }: { title: string }) => title === 'stored before'))
    assert.equal(mount(join(home.dir, 'data'), 'remount,size=200m'), undefined)
    const later = await home.lmapp(['-m', 'box/echo', 'stored after'])
    assert.equal(later.code, 0, later.stderr)
    assert.equal(later.stdout, 'stored after\n')
  })
})
