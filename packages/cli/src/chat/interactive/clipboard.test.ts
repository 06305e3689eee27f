import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createTestContext } from '../../testing/test-context.ts'
import { copyText } from './clipboard.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-clipboard-'))
after(() => rmSync(folder, { recursive: true, force: true }))
for (const [name, program] of [
  ['wl-copy', `cat > "${folder}/copied"`],
  ['xclip', 'exit 1'],
  ['pbcopy', `cat > "${folder}/copied"`],
  ['tmux', `echo "$@" > "${folder}/arguments"`],
] as const) {
  writeFileSync(join(folder, name), `#!/bin/sh\n${program}\n`)
  chmodSync(join(folder, name), 0o755)
}

interface Given {
  text?: string
  environment?: NodeJS.ProcessEnv
  platform?: NodeJS.Platform
  dumb?: boolean
}

async function copy({ text = 'words', environment = {}, platform = 'linux', dumb = false }: Given) {
  const PATH = `${folder}:${process.env.PATH}`
  const context = createTestContext({ stdout: { isTerminal: true, dumb }, environment: { PATH, ...environment } })
  const copied = await copyText(text, { ...context, platform })
  return { ...copied, stdout: context.stdout.text }
}

const terminal = 'the terminal, if it allows it'

describe('the clipboard', () => {
  it('is that of the terminal, where no program is', async () => {
    const { by, because, stdout } = await copy({})
    assert.deepEqual(by, [terminal])
    assert.match(because.join(), /no clipboard program/)
    assert.equal(stdout, '\u001b]52;c;d29yZHM=\u0007')
  })

  it('is reached through tmux', async () => {
    const { by, stdout } = await copy({ environment: { TMUX: '/tmp/tmux' } })
    assert.deepEqual(by, ['tmux', terminal])
    assert.ok(stdout.startsWith('\u001bPtmux;\u001b\u001b]52;c;d29yZHM=\u0007\u001b\\'))
    assert.equal(readFileSync(join(folder, 'arguments'), 'utf8'), 'load-buffer -w -\n')
  })

  it('is also that of the machine', async () => {
    for (const given of [{ environment: { WAYLAND_DISPLAY: 'wayland-0' } }, { platform: 'darwin' as const }]) {
      rmSync(join(folder, 'copied'), { force: true })
      assert.deepEqual((await copy(given)).because, [])
      assert.equal(readFileSync(join(folder, 'copied'), 'utf8'), 'words')
    }
  })

  it('says who did not take it, and why', async () => {
    const failed = await copy({ environment: { DISPLAY: ':0' }, dumb: true })
    assert.deepEqual(failed, {
      by: [],
      because: ['xclip did not take it', 'this terminal has no clipboard'],
      stdout: '',
    })
    const missing = await copy({ platform: 'win32' })
    assert.deepEqual(missing.because, ['clip did not take it'])
    const long = await copy({ text: 'x'.repeat(80_000) })
    assert.match(long.because.join(), /too long for the terminal/)
  })
})
